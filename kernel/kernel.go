// Package kernel is the lab's Jupyter kernel and a front end for it.
//
// Run is what Jupyter starts. It has two children, GoNB, which compiles and runs the cells and speaks with Jupyter, and the Engine, which
// keeps weights, compiled graphs and trained models between cells: a fault in XLA's C++ must kill neither the kernel nor the session.
// A guard stands beside them, since nothing else can clean up after kill -9.
//
//	Jupyter ── tlab kernel ─┬─ gonb ─── a process per cell ──┐
//	                        │    └─ gopls                    │ unix socket
//	                        ├─ tlab engine ──────────────────┘
//	                        └─ tlab guard
//
// Start is the other side: a Jupyter client that starts a kernel, runs cells, and leaves no process behind.
package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"transferlab/kernel/wire"
)

// EngineKey names the environment variable that tells a cell where the Engine listens.
const EngineKey = "TLAB_ENGINE"

// prelude is what every session of GoNB is told before its first cell. `go get` before each build costs a tenth of a second, and the
// workspace has what a cell may import; %autoget brings it back.
const prelude = "%noautoget"

// Config says what Run starts. Commands are argument lists; the process inherits this one's environment and Env.
type Config struct {
	ConnectionFile string
	GoNB           []string                                 // without -kernel
	Engine         func(socket string) []string             // nil: no engine
	Guard          func(id string, dirs ...string) []string // must call Guard with its stdin; nil: no guard
	Env            []string
	Log            io.Writer // nil: stderr
}

// Run runs a kernel until it is told to shut down, ctx ends, SIGTERM or SIGHUP comes, or GoNB dies. Then all it started is gone:
// processes, sockets, temporary files. SIGINT interrupts the running cell.
func Run(ctx context.Context, cfg Config) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)

	if cfg.Log == nil {
		cfg.Log = os.Stderr
	}
	data, err := os.ReadFile(cfg.ConnectionFile)
	if err != nil {
		return fmt.Errorf("kernel: run: %w", err)
	}
	conn, err := wire.ParseConnection(data)
	if err != nil {
		return err
	}
	dir, err := socketDir("tlab-kernel-")
	if err != nil {
		return err
	}
	k := &running{cfg: cfg, id: wire.NewID(), dir: dir}
	defer k.cleanUp()
	clearSockets(conn)
	if err := k.start(); err != nil {
		return err
	}
	attending, leave := context.WithCancel(ctx)
	defer leave()
	go k.attend(attending, conn)
	return k.watch(ctx, interrupts)
}

// clearSockets removes the unix sockets of a kernel that was killed: Jupyter starts its successor on the same names, and GoNB could not
// listen on them.
func clearSockets(conn wire.Connection) {
	for _, port := range []int{conn.Shell, conn.IOPub, conn.Stdin, conn.Control, conn.Heartbeat} {
		network, path := conn.Address(port)
		if network != "unix" {
			return
		}
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSocket == 0 {
			continue
		}
		if c, err := net.Dial(network, path); err == nil {
			c.Close() // somebody listens: GoNB will say so
			continue
		}
		_ = os.Remove(path)
	}
}

// running is a kernel at work.
type running struct {
	cfg          Config
	id, dir      string
	gonb, engine *child
	engineStdin  io.Closer // closing it ends the engine
	guardStdin   io.Closer // closing it sets the guard to work
	guard        *child
}

func (k *running) socket() string { return filepath.Join(k.dir, "engine.sock") }

// dirs are the folders that end with this kernel: its own, and the one that a front end of ours made for the connection.
func (k *running) dirs() []string {
	dirs := []string{k.dir}
	if d := os.Getenv(sessionDirKey); d != "" && filepath.Dir(k.cfg.ConnectionFile) == d {
		dirs = append(dirs, d)
	}
	return dirs
}

// environ is what the children get. Temporary files, GoNB's program folder among them, are made inside the kernel's own folder and so
// vanish with it.
func (k *running) environ() []string {
	env := append(os.Environ(), k.cfg.Env...)
	env = append(env, "TMPDIR="+k.dir, sessionDirKey+"=")
	if k.cfg.Engine != nil {
		env = append(env, EngineKey+"="+k.socket())
	}
	return mark(env, k.id)
}

func (k *running) start() error {
	if k.cfg.Guard != nil {
		cmd := command(k.cfg.Guard(k.id, k.dirs()...), unmark(os.Environ()), k.cfg.Log)
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("kernel: run guard: %w", err)
		}
		k.guardStdin = pipe
		// No death signal for this one: it outlives us to clean up.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("kernel: run guard: %w", err)
		}
		k.guard = &child{cmd: cmd, done: make(chan struct{})}
		go func() { k.guard.err = cmd.Wait(); close(k.guard.done) }()
	}
	if err := k.startEngine(); err != nil {
		return err
	}
	var err error
	argv := append(append([]string{}, k.cfg.GoNB...), "-kernel", k.cfg.ConnectionFile)
	if k.gonb, err = startTied(command(argv, k.environ(), k.cfg.Log), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kernel: run gonb: %w", err)
	}
	return nil
}

func (k *running) startEngine() error {
	if k.cfg.Engine == nil {
		return nil
	}
	cmd := command(k.cfg.Engine(k.socket()), k.environ(), k.cfg.Log)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("kernel: run engine: %w", err)
	}
	k.engineStdin = pipe
	if k.engine, err = startTied(cmd, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kernel: run engine: %w", err)
	}
	return nil
}

func command(argv, env []string, log io.Writer) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	cmd.WaitDelay = time.Second // grandchildren hold the log open; they do not hold us up
	return cmd
}

// attend is a front end of GoNB's own kernel. It tells GoNB the prelude; Jupyter may send a cell before that, which then only starts a
// little later. And it makes GoNB show that it is idle whenever a front end has connected: JupyterLab takes no notice of the status
// around kernel_info_request, GoNB publishes none around the history_request that follows, and the notebook would look
// disconnected until its first cell.
func (k *running) attend(ctx context.Context, conn wire.Connection) {
	arrived := make(chan struct{}, 1)
	observe := func(m *wire.Message) {
		if m.Parent.Type == "kernel_info_request" && m.Parent.User != wire.User && isIdle(m) {
			select {
			case arrived <- struct{}{}:
			default:
			}
		}
	}
	var c *Client
	for c == nil {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		c, _ = connect(attempt, conn, observe)
		cancel()
		if ctx.Err() != nil {
			break
		}
		time.Sleep(20 * time.Millisecond) // GoNB does not listen yet
	}
	if c == nil {
		return
	}
	defer c.Disconnect()
	for code := prelude; ; code = "" {
		if _, err := c.execute(ctx, executeRequest{Code: code, Silent: true, Expressions: map[string]any{}}, nil); err != nil {
			if ctx.Err() == nil && !errors.Is(err, ErrGone) {
				fmt.Fprintf(k.cfg.Log, "tlab kernel: %v\n", err)
			}
			return
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return
		case <-c.gone:
			return
		}
	}
}

// engineFalls is how many times within a minute an engine may die and be started again.
const engineFalls = 3

// watch returns when the kernel's time is over. A dead engine is replaced: what it held is lost, the session is not.
func (k *running) watch(ctx context.Context, interrupts <-chan os.Signal) error {
	var falls []time.Time
	engineDone := doneOf(k.engine)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.gonb.done:
			if k.gonb.err != nil {
				return fmt.Errorf("kernel: gonb ended: %w", k.gonb.err)
			}
			return nil
		case <-interrupts:
			_ = k.gonb.cmd.Process.Signal(os.Interrupt)
		case <-engineDone:
			fmt.Fprintf(k.cfg.Log, "tlab kernel: the engine ended: %v\n", k.engine.err)
			falls = append(falls, time.Now())
			if n := len(falls); n > engineFalls && time.Since(falls[n-1-engineFalls]) < time.Minute {
				fmt.Fprintf(k.cfg.Log, "tlab kernel: the engine died %d times within a minute and stays down\n", engineFalls+1)
				engineDone = nil
				continue
			}
			_ = os.Remove(k.socket())
			if err := k.startEngine(); err != nil {
				fmt.Fprintf(k.cfg.Log, "tlab kernel: %v\n", err)
				engineDone = nil
				continue
			}
			engineDone = doneOf(k.engine)
		}
	}
}

func doneOf(c *child) <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.done
}

// cleanUp ends everything. Jupyter waits five seconds for a kernel that it told to end before it kills it, so the waits here are short.
func (k *running) cleanUp() {
	if k.engineStdin != nil {
		_ = k.engineStdin.Close()
	}
	if k.gonb != nil {
		k.gonb.stop(2 * time.Second)
	}
	if k.engine != nil {
		k.engine.stop(time.Second)
	}
	if err := sweep(k.id, 0); err != nil {
		fmt.Fprintln(k.cfg.Log, err)
	}
	for _, d := range k.dirs() {
		if err := os.RemoveAll(d); err != nil {
			fmt.Fprintf(k.cfg.Log, "tlab kernel: %v\n", err)
		}
	}
	if k.guard != nil {
		_ = k.guardStdin.Close()
		if !k.guard.ended(2 * time.Second) {
			k.guard.signal(syscall.SIGKILL)
		}
	}
}

// SpecName is the kernelspec's name: its folder, and what notebooks carry in metadata.kernelspec.name.
const SpecName = "tlab"

// DisplayName is what a notebook's kernel menu shows.
const DisplayName = "Go (Transfer Learning Lab)"

// Spec is the content of kernel.json.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"` // "message": GoNB itself stops the running program
	Env           map[string]string `json:"env"`
	Metadata      map[string]any    `json:"metadata"`
}

// NewSpec describes a kernel that argv starts; {connection_file} among argv stands for the connection file.
func NewSpec(argv []string, env map[string]string) Spec {
	if env == nil {
		env = map[string]string{}
	}
	return Spec{Argv: argv, DisplayName: DisplayName, Language: "go", InterruptMode: "message", Env: env, Metadata: map[string]any{"debugger": false}}
}

// ReadSpec reads a kernelspec's folder.
func ReadSpec(dir string) (Spec, error) {
	var s Spec
	data, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return s, fmt.Errorf("kernel: read kernelspec: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("kernel: read kernelspec %s: %w", dir, err)
	}
	if len(s.Argv) == 0 || !strings.Contains(strings.Join(s.Argv, "\x00"), "{connection_file}") {
		return s, errors.New("kernel: read kernelspec " + dir + ": argv names no {connection_file}")
	}
	return s, nil
}
