package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"transferlab/kernel/demo"
	"transferlab/kernel/setup"
	"transferlab/tl"
	"transferlab/tl/remote"
)

func demoCommand() *cobra.Command {
	var d demoServer
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Open the classroom demo: a classifier of your own, from your camera or your pictures",
		Long: `demo opens a page in the browser: drop or take pictures of two or more classes, train a head on them while all watch, then hold things up
to the camera and see what they are taken for, with a heat map of what spoke for it.

The page is served to this machine alone. Pictures stay in a temporary folder that is removed at the end, unless --keep names another. Nothing goes to
the network. In a notebook, a cell with the line %demo does the same. Ctrl-C ends it.`,
		Example: `  tlab demo
  tlab demo --keep ~/my-classifier              keep pictures and models
  tlab demo --base resnet18 --no-browser        another network; print the address only`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&d.port, "port", 8990, "port; if it is taken, one of the next fifty")
	cmd.Flags().BoolVar(&d.noBrowser, "no-browser", false, "print the address only")
	cmd.Flags().StringVar(&d.base, "base", "efficientnet_lite0", "the pretrained network, by its name in tl.Load")
	cmd.Flags().StringVar(&d.keep, "keep", "", "folder that keeps pictures and models, in round-1, round-2 … for each start and reset")
	cmd.Flags().DurationVar(&d.fineTune, "fine-tune", 30*time.Second, "the time that fine-tuning may take, where the page asks for it")
	cmd.Flags().BoolVar(&d.tied, "tied", false, "end when stdin does")
	_ = cmd.Flags().MarkHidden("tied") // fails only for a flag that does not exist
	return cmd
}

// demoServer is one run of the demo.
type demoServer struct {
	port      int
	noBrowser bool
	base      string
	keep      string
	fineTune  time.Duration
	tied      bool // to whoever holds the other end of stdin: a kernel
	out       io.Writer
}

func (d *demoServer) run(ctx context.Context) (err error) {
	if d.tied {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, os.Stdin)
		}()
	}
	if d.port < 1 || d.port > 65535 {
		return fmt.Errorf("demo: --port %d is not in 1…65535", d.port)
	}
	if d.fineTune < time.Second {
		return fmt.Errorf("demo: --fine-tune %v: a second is the least", d.fineTune)
	}
	if d.keep != "" {
		if d.keep, err = filepath.Abs(d.keep); err != nil {
			return fmt.Errorf("demo: --keep: %w", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	lab, err := setup.Ensure(ctx, setup.ForRun, report(newConsole(d.out)))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tlab-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	engine, err := newDemoEngine(self, dir, append(ownEnviron(), lab.Environ()...))
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() {
		if stop := engine.stop(); stop != nil && err == nil {
			err = stop
		}
		if remove := os.RemoveAll(dir); remove != nil && err == nil {
			err = fmt.Errorf("demo: remove the pictures: %w", remove)
		}
		engine.dismissGuard()
	}()
	return d.serve(ctx, engine, dir)
}

// serve listens until ctx ends.
func (d *demoServer) serve(ctx context.Context, engine *demoEngine, dir string) error {
	listener, err := listenNear(d.port)
	if err != nil {
		return err
	}
	defer listener.Close()
	pictures := filepath.Join(dir, "pictures")
	if err := os.Mkdir(pictures, 0o700); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	page, err := demo.New(demo.Config{Engine: remote.Client{Socket: engine.socket}, Base: tl.Load(d.base), Dir: pictures, Keep: d.keep,
		FineTune: d.fineTune, Port: listener.Addr().(*net.TCPAddr).Port})
	if err != nil {
		return err
	}
	defer page.Close()
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() { engine.watch(watching, page.EngineIs) })
	// No other timeouts: they would end the page's stream of events. What a stranger sends has no body that is read.
	server := &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	d.say(page.Address())
	if !d.noBrowser {
		if err := openBrowser(dir, page.Address()); err != nil {
			fmt.Fprintf(d.out, "No browser could be opened (%v): open the address yourself.\n", err)
		}
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(d.out, "ending the demo")
		err = nil // Ctrl-C is how this command is meant to end
	case err = <-served:
		err = fmt.Errorf("demo: serve the page: %w", err)
	}
	cancel()
	watch.Wait() // or it would start an engine that nobody ends
	page.Close() // ends the streams that Shutdown would wait for
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer done()
	_ = server.Shutdown(closing) // what does not end in time is cut off
	_ = server.Close()
	return err
}

func (d *demoServer) say(address string) {
	fmt.Fprintf(d.out, "The demo runs at\n\n    %s\n\n", address)
	if d.keep == "" {
		fmt.Fprintln(d.out, "Pictures are kept until the end, in a temporary folder; then they are removed. --keep DIR keeps them.")
	} else {
		fmt.Fprintf(d.out, "Pictures and models are kept in %s.\n", d.keep)
	}
	fmt.Fprintln(d.out, "Ctrl-C ends it.")
}

// listenNear listens on this machine alone, on that port or one of the next fifty.
func listenNear(port int) (net.Listener, error) {
	for next := port; ; next++ {
		listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(next)))
		if err == nil {
			return listener, nil
		}
		if next >= port+50 || next == 65535 {
			return nil, fmt.Errorf("demo: listen on a port from %d to %d: %w; give another with --port", port, next, err)
		}
	}
}

// openBrowser opens the page by way of a file that leads there: command lines are seen by all users of a machine, and the address holds the token.
func openBrowser(dir, address string) error {
	program := map[string]string{"darwin": "open", "linux": "xdg-open"}[runtime.GOOS]
	if program == "" || runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("this session has no screen")
	}
	file := filepath.Join(dir, "open.html")
	text := `<!doctype html><meta charset="utf-8"><title>tlab demo</title><meta http-equiv="refresh" content="0;url=` + address + `">`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(program, file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C ends the demo; a browser that is started here goes on
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
