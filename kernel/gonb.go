package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"transferlab/kernel/wire"
)

// pushed asks GoNB, as mended by package setup, for a socket that waits for its reader, where a publisher would queue what a cell prints
// without end.
const pushed = "GONB_IOPUB=push"

// buildsKey names the folder in which it is to build.
const buildsKey = "GONB_BUILDS"

// supervised is GoNB: started, taught what a session needs, started again if it dies. It listens only in the kernel's own folder; a
// message that Jupyter's clients send never reaches it as it came.
type supervised struct {
	argv     []string // without -kernel
	dir      string   // the kernel's folder
	id       string   // Jupyter's id of the kernel, by which GoNB's widgets find it in the browser
	environ  func() []string
	log      io.Writer
	hooks    hooks
	taught   func() []string   // cells that a new GoNB is to run silently
	fallen   func(cause error) // called when it died by itself
	starting func()            // called before each start
	orphans  func()            // ends what a dead GoNB left: gopls, the cell at work
	falls    falls

	mu     sync.Mutex
	client *Client
	proc   *child
	ready  chan struct{} // closed while client can be used
	failed error         // why there will be no client any more
}

// errNoGoNB is what cells fail with when GoNB cannot be kept alive.
var errNoGoNB = errors.New("GoNB does not stay alive; restart the kernel, and see its log")

// run keeps GoNB alive until ctx ends.
func (g *supervised) run(ctx context.Context) error {
	for generation := 1; ; generation++ {
		met, err := g.once(ctx, generation)
		if ctx.Err() != nil {
			g.stop()
			return nil
		}
		g.fallen(err)
		g.orphans()
		if g.falls.tooMany(!met) {
			g.mu.Lock()
			g.failed = fmt.Errorf("kernel: %w: %v", errNoGoNB, err)
			g.wake()
			g.mu.Unlock()
			return g.failed
		}
	}
}

// wake lets everybody who waits for GoNB look again. g.mu is held.
func (g *supervised) wake() {
	select {
	case <-g.ready:
	default:
		close(g.ready)
	}
}

// once starts GoNB and returns when it ended, whether it had been ready for cells, and the reason.
func (g *supervised) once(ctx context.Context, generation int) (met bool, err error) {
	g.starting()
	tail := &tailWriter{also: g.log}
	conn, file, err := g.connection(generation)
	if err != nil {
		return false, err
	}
	argv := append(append([]string{}, g.argv...), "-kernel", file)
	proc, err := startTied(command(argv, append(g.environ(), pushed, buildsKey+"="+buildsDir(g.dir)), tail), syscall.SIGKILL)
	if err != nil {
		return false, fmt.Errorf("kernel: run gonb: %w", err)
	}
	g.mu.Lock()
	g.proc = proc
	g.mu.Unlock()
	client, err := g.meet(ctx, conn, proc)
	if err == nil {
		g.teach(ctx, client)
		g.mu.Lock()
		g.client = client
		g.wake()
		g.mu.Unlock()
		select {
		case <-proc.done:
		case <-client.gone: // its sockets broke: a GoNB that cannot be talked to is as good as dead
			proc.ended(2 * time.Second)
		case <-ctx.Done():
			return true, nil // stop takes it from here
		}
		client.Disconnect()
	}
	g.mu.Lock()
	g.client = nil
	if g.failed == nil && isClosed(g.ready) {
		g.ready = make(chan struct{})
	}
	g.mu.Unlock()
	proc.stop(0)
	met = err == nil
	if met {
		err = proc.err
	}
	return met, fmt.Errorf("gonb ended (%w)%s", orExited(err), tail)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func orExited(err error) error {
	if err == nil {
		return errors.New("it exited")
	}
	return err
}

// connection writes GoNB's own connection file, which no front end knows.
func (g *supervised) connection(generation int) (wire.Connection, string, error) {
	dir := filepath.Join(g.dir, fmt.Sprintf("g%d", generation))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return wire.Connection{}, "", fmt.Errorf("kernel: run gonb: %w", err)
	}
	conn := wire.Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5,
		Key: wire.NewID(), Scheme: "hmac-sha256"}
	data, err := json.Marshal(conn)
	if err != nil {
		return conn, "", fmt.Errorf("kernel: run gonb: %w", err)
	}
	if err := os.MkdirAll(buildsDir(g.dir), 0o700); err != nil {
		return conn, "", fmt.Errorf("kernel: run gonb: %w", err)
	}
	file := filepath.Join(dir, "kernel-"+g.id+".json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return conn, "", fmt.Errorf("kernel: run gonb: %w", err)
	}
	return conn, file, nil
}

// buildsDir holds the folders of the go commands that build cells, in a kernel's own.
func buildsDir(dir string) string { return filepath.Join(dir, "builds") }

// jupyterID is the id in the name of Jupyter's connection file, as GoNB reads it. A file without one gets fallback.
func jupyterID(file, fallback string) string {
	if m := regexp.MustCompile(`^.*kernel-([0-9a-f-]+)\.json$`).FindStringSubmatch(file); m != nil {
		return m[1]
	}
	return fallback
}

// meet connects as soon as GoNB listens.
func (g *supervised) meet(ctx context.Context, conn wire.Connection, proc *child) (*Client, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		client, err := connect(attempt, conn, g.hooks)
		cancel()
		if err == nil {
			return client, nil
		}
		select {
		case <-proc.done:
			return nil, orExited(proc.err)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// teach runs silently what a new GoNB must know before the first cell.
func (g *supervised) teach(ctx context.Context, client *Client) {
	for _, code := range g.taught() {
		m, err := wire.New(client.session, "execute_request", executeRequest{Code: code, Silent: true, Expressions: map[string]any{}})
		if err != nil {
			continue
		}
		if _, err := client.pass(ctx, m, func(*wire.Message) {}); err != nil {
			return // whoever waits for GoNB will see that it is gone
		}
	}
}

// acquire waits until GoNB is ready.
func (g *supervised) acquire(ctx context.Context) (*Client, error) {
	for {
		g.mu.Lock()
		client, ready, failed := g.client, g.ready, g.failed
		g.mu.Unlock()
		switch {
		case failed != nil:
			return nil, failed
		case client != nil && !isClosed(client.gone):
			return client, nil
		case client != nil: // dead, and not yet noticed
			ready = make(chan struct{})
		}
		select {
		case <-ready:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// forward sends a message that has no reply. While GoNB starts there are no widgets that it could be for.
func (g *supervised) forward(m *wire.Message) {
	if client := g.current(); client != nil {
		_ = client.shell.send(behind(m))
	}
}

// current is the way to GoNB, nil while it starts.
func (g *supervised) current() *Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.client
}

func (g *supervised) input(m *wire.Message) {
	if client := g.current(); client != nil {
		_ = client.stdin.send(behind(m))
	}
}

// behind is m for GoNB: without the front end's routing prefix.
func behind(m *wire.Message) *wire.Message {
	c := *m
	c.Identities = nil
	return &c
}

// pid is GoNB's process, 0 while there is none.
func (g *supervised) pid() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.proc == nil || g.proc.ended(0) {
		return 0
	}
	return g.proc.cmd.Process.Pid
}

// kill ends a GoNB that does not answer; run starts another.
func (g *supervised) kill() {
	g.mu.Lock()
	proc := g.proc
	g.mu.Unlock()
	if proc != nil {
		proc.signal(syscall.SIGKILL)
	}
}

// stop ends GoNB for good.
func (g *supervised) stop() {
	g.mu.Lock()
	client, proc := g.client, g.proc
	g.mu.Unlock()
	if client != nil {
		client.Disconnect()
	}
	if proc != nil {
		proc.stop(time.Second)
	}
}

// maxFalls is how many times in a row a child may die young before it is given up: starting it again and again would keep the machine busy.
const maxFalls = 5

// falls counts deaths in a row.
type falls struct{ young int }

// tooMany notes a death and says whether it was one too many.
func (f *falls) tooMany(young bool) bool {
	if !young {
		f.young = 0
		return false
	}
	f.young++
	return f.young >= maxFalls
}
