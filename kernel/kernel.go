// Package kernel is the lab's Jupyter kernel and a front end for it.
//
// Run is what Jupyter starts. It listens on Jupyter's sockets and has two children: GoNB, which compiles and runs the cells, and the Engine,
// which keeps weights, compiled graphs and trained models between cells. A fault in XLA's C++ must kill neither the kernel nor the session;
// either child is started again when it dies. A guard stands beside them, since nothing else can clean up after kill -9.
//
//	Jupyter ── tlab kernel ─┬─ gonb ─── a process per cell ──┐
//	                        │    └─ gopls                    │ unix socket
//	                        ├─ tlab engine ──────────────────┘
//	                        └─ tlab guard
//
// Every message passes through the kernel (proxy.go). It answers by itself what needs no Go, keeps the queue of cells, and mends what
// GoNB leaves out (execute.go, outputs.go, run.go).
//
// Start is the other side: a Jupyter client that starts a kernel, runs cells, and leaves no process behind.
package kernel

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"transferlab/kernel/wire"
)

// Environment variables that a cell's process finds.
const (
	EngineKey  = "TLAB_ENGINE"  // the Engine's socket
	SessionKey = "TLAB_SESSION" // under which the Engine keeps this kernel's models
	KeepKey    = "TLAB_KEEP"    // the folder of package cell's kept values
	ResultKey  = "TLAB_RESULT"  // the file for the value of a cell's last expression
)

// prelude is what every GoNB is told before its first cell. `go get` before each build costs a tenth of a second, and the
// workspace has what a cell may import; %autoget brings it back.
const prelude = "%noautoget"

// Config says what Run starts. Commands are argument lists; the process inherits this one's environment and Env.
type Config struct {
	ConnectionFile string
	GoNB           []string                                 // without -kernel
	Engine         func(socket, state string) []string      // state: a folder for what survives a crash of it. nil: no engine
	ShareEngine    ShareEngine                              // not nil: an engine of several kernels; then Engine is not used
	Guard          func(id string, dirs ...string) []string // must call Guard with its stdin; nil: no guard
	Env            []string
	Module         string    // the root of the lab's source, for suggestions in error messages; "" gives fewer of them
	History        string    // the file that keeps what was run, for the up arrow; "" keeps this session's only
	Log            io.Writer // what the kernel itself has to say; nil: stderr
	ChildLog       io.Writer // what GoNB and the Engine print, which is much; nil keeps only the last lines, for the message of their death

	// Commands are further % lines, for an engine at socket and a session.
	Commands func(socket, session string) []Command
	// Stopped says how the Engine's work stands after a cell was stopped.
	Stopped func(ctx context.Context, socket, session string) []string
}

// ShareEngine gives a session its part in an engine that serves several kernels, and says where it listens. tell hears of its deaths.
// release lets go.
type ShareEngine func(ctx context.Context, session string, tell func(string)) (socket string, release func(), err error)

// Run runs a kernel until it is told to shut down, ctx ends, SIGTERM or SIGHUP comes, or GoNB cannot be kept alive. Then all it started is
// gone: processes, sockets, temporary files. SIGINT interrupts the running cell.
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
	k := &kernel{cfg: cfg, id: wire.NewID(), dir: dir}
	defer k.cleanUp()
	if err := os.Mkdir(k.keepDir(), 0o700); err != nil {
		return fmt.Errorf("kernel: run: %w", err)
	}
	if err := k.start(ctx, conn); err != nil {
		return err
	}
	return k.work(ctx, interrupts)
}

// kernel is a kernel at work.
type kernel struct {
	cfg        Config
	id, dir    string
	proxy      *proxy
	guard      *child
	guardStdin io.Closer // closing it sets the guard to work
	guardBegan time.Time
	guardFalls falls
}

// dirs are the folders that end with this kernel: its own, and the one that a front end of ours made for the connection.
func (k *kernel) dirs() []string {
	dirs := []string{k.dir}
	if d := os.Getenv(sessionDirKey); d != "" && filepath.Dir(k.cfg.ConnectionFile) == d {
		dirs = append(dirs, d)
	}
	return dirs
}

// keepDir is where package cell keeps values for later cells.
func (k *kernel) keepDir() string { return filepath.Join(k.dir, "keep") }

// environ is what the children get. Temporary files, GoNB's program folder among them, are made inside the kernel's own folder and so
// vanish with it.
func (k *kernel) environ() []string {
	env := append(os.Environ(), k.cfg.Env...)
	env = append(env, "TMPDIR="+k.dir, sessionDirKey+"=", SessionKey+"="+k.id,
		KeepKey+"="+k.keepDir(), ResultKey+"="+k.proxy.resultFile(), ShowKey+"="+k.proxy.showSocket())
	if socket := k.proxy.engine.socket(); socket != "" {
		env = append(env, EngineKey+"="+socket)
	}
	return mark(env, k.id)
}

// start listens for Jupyter and starts the children.
func (k *kernel) start(ctx context.Context, conn wire.Connection) error {
	p := &proxy{cfg: k.cfg, conn: conn, kernelID: k.id, dir: k.dir, cells: newCells(), limits: newLimits()}
	k.proxy = p
	p.history = openHistory(k.cfg.History, p.logf)
	if err := k.startGuard(); err != nil {
		return err
	}
	p.engine = engineSide{k: k}
	p.gonb = &supervised{
		argv: k.cfg.GoNB, dir: k.dir, id: jupyterID(k.cfg.ConnectionFile, k.id), environ: k.environ, log: k.cfg.ChildLog, ready: make(chan struct{}),
		taught:   func() []string { return append([]string{prelude}, p.cells.replay()...) },
		fallen:   func(cause error) { p.logf("%v", cause) },
		starting: p.cells.reset,
		orphans:  k.orphans,
		hooks:    hooks{stray: p.stray, input: p.askInput},
	}
	if err := p.engine.start(ctx); err != nil {
		return err
	}
	if err := p.takeFigures(ctx); err != nil {
		return err
	}
	return p.open()
}

// orphans ends what a dead GoNB left behind: gopls, the cell at work, their folders.
func (k *kernel) orphans() {
	keep := map[int]bool{k.proxy.engine.pid(): true}
	for _, pid := range marked(k.id) {
		if !keep[pid] {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for _, pattern := range []string{"gonb_*", "builds", "go-build*", "g[0-9]*"} {
		left, _ := filepath.Glob(filepath.Join(k.dir, pattern))
		for _, path := range left {
			_ = os.RemoveAll(path)
		}
	}
}

func (k *kernel) startGuard() error {
	if k.cfg.Guard == nil {
		return nil
	}
	cmd := command(k.cfg.Guard(k.id, k.dirs()...), unmark(os.Environ()), k.cfg.Log)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("kernel: run guard: %w", err)
	}
	k.guardStdin, k.guardBegan = pipe, time.Now()
	// No death signal for this one: it outlives us to clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("kernel: run guard: %w", err)
	}
	k.guard = &child{cmd: cmd, done: make(chan struct{})}
	go func() { k.guard.err = cmd.Wait(); close(k.guard.done) }()
	return nil
}

// unguarded is closed when the guard has ended, of which it has no reason of its own.
func (k *kernel) unguarded() <-chan struct{} {
	if k.guard == nil {
		return nil
	}
	return k.guard.done
}

// guardAgain starts another guard.
func (k *kernel) guardAgain() {
	k.guard = nil
	if k.guardFalls.tooMany(time.Since(k.guardBegan) < time.Second/10) {
		k.proxy.logf("the guard ends again and again; after a kill -9 of this kernel, processes and files may stay")
		return
	}
	_ = k.guardStdin.Close()
	if err := k.startGuard(); err != nil {
		k.proxy.logf("%v", err)
	}
}

func command(argv, env []string, log io.Writer) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	cmd.WaitDelay = time.Second // grandchildren hold the log open; they do not hold us up
	return cmd
}

// work returns when the kernel's time is over.
func (k *kernel) work(ctx context.Context, interrupts <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := k.proxy
	p.publish(wire.Header{}, "status", map[string]string{"execution_state": "starting"})
	gonb := make(chan error, 1)
	go func() { gonb <- p.gonb.run(ctx) }()
	go p.engine.watch(ctx)
	go p.serve(ctx)
	for {
		select {
		case <-ctx.Done():
			cancel()
			<-gonb
			return nil
		case <-p.quit:
			cancel()
			<-gonb
			return nil
		case err := <-gonb:
			return err
		case <-interrupts:
			p.interrupt()
		case <-k.unguarded():
			k.guardAgain()
		}
	}
}

// cleanUp ends everything. Jupyter waits five seconds for a kernel that it told to end before it kills it, so the waits here are short.
func (k *kernel) cleanUp() {
	p := k.proxy
	if p != nil {
		p.engine.stop()
		p.close()
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
