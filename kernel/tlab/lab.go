package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/kernel/wire"
)

func labCommand() *cobra.Command {
	var l labServer
	cmd := &cobra.Command{
		Use:   "lab [NOTEBOOKS]",
		Short: "Open the notebooks in JupyterLab",
		Long: `lab opens JupyterLab, in an environment of its own, on a folder of notebooks or on one notebook; without an argument on the lab's own.
Your Jupyter, if you have one, is neither used nor changed. Ctrl-C ends it with all its kernels.`,
		Example: `  tlab lab
  tlab lab ~/my-notebooks --port 9000
  tlab lab --share-engine             several notebooks on one GPU
  tlab lab --no-browser               on another machine: open the printed address through an ssh tunnel`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				l.target = args[0]
			}
			l.out = cmd.OutOrStdout()
			return l.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&l.noBrowser, "no-browser", false, "print the address only")
	cmd.Flags().IntVar(&l.port, "port", 8888, "port; if it is taken, one of the next fifty")
	cmd.Flags().BoolVar(&l.share, "share-engine", false, "one engine for all notebooks, each with its own models: weights and compiled graphs are held once")
	cmd.Flags().BoolVar(&l.log, "jupyter-log", false, "show what JupyterLab logs")
	return cmd
}

// labServer is one run of JupyterLab.
type labServer struct {
	target    string // folder or notebook; "" is the lab's own notebooks
	noBrowser bool
	port      int
	log       bool
	share     bool
	out       io.Writer
}

func (l *labServer) run(ctx context.Context) error {
	if l.port < 1 || l.port > 65535 {
		return fmt.Errorf("lab: --port %d is not in 1…65535", l.port)
	}
	root, open, err := l.place()
	if err != nil {
		return err
	}
	lab, err := setup.Ensure(ctx, setup.ForLab, report(newConsole(l.out)))
	if err != nil {
		return err
	}
	if root == "" {
		root = filepath.Join(lab.Module, "notebooks")
	}
	spec := filepath.Join(lab.Prefix(), "share", "jupyter", "kernels", kernel.SpecName)
	if err := writeSpec(spec, kernel.DisplayName, lab); err != nil {
		return err
	}
	if err := preset(lab); err != nil {
		return err
	}
	// Connection files and kernels' sockets; the name is short, since sockets' names must be.
	runtime, err := os.MkdirTemp("", "tlab-lab-")
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer os.RemoveAll(runtime)
	return l.serve(ctx, lab, root, open, runtime)
}

// place checks the argument: the folder to serve and the notebook in it to open.
func (l *labServer) place() (root, open string, err error) {
	if l.target == "" {
		return "", "", nil
	}
	path, err := filepath.Abs(l.target)
	if err != nil {
		return "", "", fmt.Errorf("lab: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("lab: open notebooks: %w", err)
	}
	if info.IsDir() {
		return path, "", nil
	}
	return filepath.Dir(path), filepath.Base(path), nil
}

// serve runs JupyterLab until it ends or ctx does.
func (l *labServer) serve(ctx context.Context, lab *setup.Lab, root, open, runtime string) error {
	argv := append(lab.JupyterLab(),
		"--ServerApp.root_dir="+root, fmt.Sprintf("--ServerApp.port=%d", l.port), "--ServerApp.port_retries=50",
		"--KernelManager.transport=ipc", // over tcp anyone on the machine could send GoNB the message that kills it
		"--KernelSpecManager.ensure_native_kernel=False", "--KernelSpecManager.allowed_kernelspecs="+kernel.SpecName,
		"--MappingKernelManager.default_kernel_name="+kernel.SpecName,
		"--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate") // no network
	if l.noBrowser {
		argv = append(argv, "--ServerApp.open_browser=False")
	}
	if open != "" {
		argv = append(argv, "--LabApp.default_url=/lab/tree/"+url.PathEscape(open))
	}
	if os.Getuid() == 0 {
		argv = append(argv, "--ServerApp.allow_root=True") // as in containers
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = root // where GoNB takes the root of its /files/ to be: %wasm puts programs below it
	cmd.Env = append(os.Environ(), jupyterEnv(lab, runtime)...)
	if l.share {
		cmd.Env = append(cmd.Env, shareKey+"=1")
	}
	cmd.Env = append(cmd.Env, "JUPYTER_TOKEN="+wire.NewID()) // the environment is private, the command line is not
	log := &logTail{}
	if l.log {
		log.also = os.Stderr
	}
	cmd.Stdout, cmd.Stderr = log, log
	server, err := kernel.StartGroup(cmd)
	if err != nil {
		return fmt.Errorf("lab: start JupyterLab: %w", err)
	}
	err = l.follow(ctx, server, runtime, open)
	if stop := server.Stop(10 * time.Second); stop != nil && err == nil {
		err = stop
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w\n%s", err, log)
	}
	return err
}

// follow prints the server's address and waits for its end.
func (l *labServer) follow(ctx context.Context, server *kernel.Group, runtime, open string) error {
	began := time.Now()
	for address := ""; address == ""; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-server.Done():
			return fmt.Errorf("lab: JupyterLab did not start: %v", server.Err())
		case <-time.After(100 * time.Millisecond):
		}
		if address = serverAddress(runtime, open); address != "" {
			fmt.Fprintf(l.out, "JupyterLab runs (%.1f s) at\n\n    %s\n\nCtrl-C ends it with all its kernels.\n", time.Since(began).Seconds(), address)
		}
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(l.out, "ending JupyterLab and its kernels")
		return nil // Ctrl-C is how this command is meant to end
	case <-server.Done():
		if server.Err() != nil {
			return fmt.Errorf("lab: JupyterLab ended: %w", server.Err())
		}
		return nil
	}
}

// serverAddress reads the file that Jupyter writes when it listens, "" while there is none.
func serverAddress(runtime, open string) string {
	files, _ := filepath.Glob(filepath.Join(runtime, "jpserver-*.json"))
	if len(files) == 0 {
		return ""
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return ""
	}
	var info struct{ URL, Token string }
	if json.Unmarshal(data, &info) != nil || info.URL == "" {
		return "" // being written
	}
	path := "lab"
	if open != "" {
		path += "/tree/" + url.PathEscape(open)
	}
	return info.URL + path + "?token=" + url.QueryEscape(info.Token)
}

// jupyterEnv keeps this JupyterLab apart from the user's: settings, data and workspaces of its own.
func jupyterEnv(lab *setup.Lab, runtime string) []string {
	own := filepath.Join(lab.Home, "jupyter-user")
	return []string{
		"JUPYTER_CONFIG_DIR=" + filepath.Join(own, "config"),
		"JUPYTER_DATA_DIR=" + filepath.Join(own, "data"),
		"JUPYTER_RUNTIME_DIR=" + runtime,
		"JUPYTERLAB_SETTINGS_DIR=" + filepath.Join(own, "settings"),
		"JUPYTERLAB_WORKSPACES_DIR=" + filepath.Join(own, "workspaces"),
		"JUPYTER_PATH=", "JUPYTER_CONFIG_PATH=", "JUPYTER_NO_CONFIG=1", "JUPYTER_PREFER_ENV_PATH=1", "PYTHONNOUSERSITE=1",
		"PATH=" + filepath.Join(lab.Prefix(), "bin") + string(filepath.ListSeparator) + os.Getenv("PATH"),
	}
}

// presets are JupyterLab's settings where its own do not fit, by their file.
var presets = map[string]string{
	// It would ask, at its first start, whether it may fetch news.
	"apputils-extension/notification": `"fetchNews": "false", "checkForUpdates": false`,
	// It waits a second for completions; the first of a session take gopls four, while it reads the packages.
	"completer-extension/manager": `"providerTimeout": 15000`,
}

// preset writes the settings that are not there yet. What the user sets later stays.
func preset(lab *setup.Lab) error {
	for name, settings := range presets {
		file := filepath.Join(lab.Home, "jupyter-user", "settings", "@jupyterlab", filepath.FromSlash(name)+".jupyterlab-settings")
		if _, err := os.Stat(file); err == nil {
			continue
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("lab: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		if err := writeFile(file, []byte("{"+settings+"}\n")); err != nil {
			return err
		}
	}
	return nil
}

// logTail keeps the end of a log for an error message.
type logTail struct {
	also io.Writer
	text []byte
}

func (l *logTail) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	if over := len(l.text) - 4096; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	if l.also != nil {
		return l.also.Write(p)
	}
	return len(p), nil
}

func (l *logTail) String() string { return strings.TrimSpace(string(l.text)) }
