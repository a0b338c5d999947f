package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"transferlab/kernel"
	"transferlab/kernel/notebook"
	"transferlab/kernel/page"
	"transferlab/kernel/setup"
)

func runCommand() *cobra.Command {
	var r runner
	var to []string
	cmd := &cobra.Command{
		Use:   "run NOTEBOOK…",
		Short: "Run notebooks without a browser",
		Long: `run executes notebooks in the lab's kernel, each in a fresh one whose current folder is the notebook's. Python is not used.

For each NAME.ipynb it writes NAME.executed.ipynb, with outputs, and NAME.executed.html, a page that needs nothing else to be read.
--to chooses other forms: html; slides, NAME.executed.slides.html, with keys for a projector (press ?); pdf-ready,
NAME.executed.pdf-ready.html, which any browser prints with page numbers. Parameter counters live on in the first two.
It ends at the first cell that fails, with status 1, and names the line; what ran before is in the files. Ctrl-C does the same with
status 130. No process of a run stays behind.`,
		Example: `  tlab run notebooks/07-fine-tuning.ipynb
  tlab run --output out --timeout 10m notebooks/*.ipynb
  tlab run --to html,slides,pdf-ready notebooks/02-parameters.ipynb`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.console = newConsole(cmd.OutOrStdout())
			r.begun = time.Now()
			var err error
			if r.exports, err = exportsNamed(to); err != nil {
				return err
			}
			return r.run(cmd.Context(), args)
		},
	}
	cmd.Flags().StringVarP(&r.output, "output", "o", "", "folder for the executed notebooks and pages (default: beside each notebook)")
	cmd.Flags().StringSliceVar(&to, "to", []string{"html"}, "forms to write, with commas between them: html, slides, pdf-ready")
	cmd.Flags().DurationVar(&r.timeout, "timeout", 0, "longest time for one cell, such as 90s or 10m; 0 is no limit")
	cmd.Flags().BoolVar(&r.log, "kernel-log", false, "show what the kernel itself logs")
	return cmd
}

// runner executes notebooks and keeps account of where the time goes.
type runner struct {
	output  string
	exports []export
	timeout time.Duration
	log     bool
	console *console
	begun   time.Time
	steps   []step
}

// step is a line of the table at the end.
type step struct {
	name string
	took time.Duration
}

// job is one notebook to run.
type job struct {
	path, target string // target is without extension
	book         *notebook.Notebook
}

func (r *runner) run(ctx context.Context, paths []string) error {
	if r.timeout < 0 {
		return fmt.Errorf("run: --timeout %v is negative", r.timeout)
	}
	// All notebooks are read before anything is set up: a misspelt name must not cost a minute.
	var jobs []job
	for _, p := range paths {
		j, err := r.read(p)
		if err != nil {
			return err
		}
		for _, other := range jobs {
			if other.target == j.target {
				return fmt.Errorf("run: %s and %s would both be written to %s", other.path, j.path, j.target)
			}
		}
		jobs = append(jobs, j)
	}
	start := time.Now()
	if _, err := setup.Ensure(ctx, setup.ForRun, report(r.console)); err != nil {
		return err
	}
	r.steps = append(r.steps, step{"set-up", time.Since(start)})
	for _, j := range jobs {
		if err := r.runOne(ctx, j); err != nil {
			r.table()
			return err
		}
	}
	r.table()
	return nil
}

// read checks and parses a notebook.
func (r *runner) read(path string) (job, error) {
	if strings.HasSuffix(path, ".executed.ipynb") {
		return job{}, fmt.Errorf("run: %s is the output of a run; give the notebook it came from", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return job{}, fmt.Errorf("run: %w", err)
	}
	book, err := notebook.Parse(data)
	if err != nil {
		return job{}, fmt.Errorf("run %s: %w", path, err)
	}
	if language := book.Language(); language != "" && language != "go" {
		return job{}, fmt.Errorf("run: %s is a notebook in %s; this kernel runs Go", path, language)
	}
	dir := filepath.Dir(path)
	if r.output != "" {
		dir = r.output
	}
	return job{path: path, target: filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".ipynb")+".executed"), book: book}, nil
}

// runOne runs a notebook and writes what became of it, also if it failed or was stopped.
func (r *runner) runOne(ctx context.Context, j job) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	r.console.note(j.path)
	start := time.Now()
	launch := kernel.Launch{Argv: []string{self, "kernel", "{connection_file}"}, Dir: filepath.Dir(j.path),
		Env: []string{historyKey + "="}} // the up arrow is for what people typed
	if r.log {
		launch.Log = os.Stderr
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	session, err := kernel.Start(starting, launch)
	cancel()
	if err != nil {
		return err
	}
	session.Grace = 2 * time.Second // a run that is stopped ends: nobody waits for a cell to give in
	r.steps = append(r.steps, step{"start the kernel", time.Since(start)})
	defer func() {
		if closing := session.Close(); closing != nil && err == nil {
			err = closing
		}
	}()
	failed := r.cells(ctx, session, j)
	start = time.Now()
	if err := r.write(j); err != nil {
		if failed != nil {
			r.console.note(failed.Error())
		}
		return err
	}
	r.steps = append(r.steps, step{"write the page", time.Since(start)})
	return failed
}

// cells runs the code cells in order.
func (r *runner) cells(ctx context.Context, session *kernel.Session, j job) error {
	c := &course{runner: r, session: session, job: j, ran: map[int]*notebook.Cell{}}
	for _, cell := range j.book.Cells {
		if cell.Kind != notebook.Code {
			continue
		}
		cell.Outputs, cell.Count = nil, 0 // a cell that is not reached shows nothing old
		if strings.TrimSpace(cell.Source) != "" {
			c.code = append(c.code, cell) // so that a cell's number here is the one that Jupyter shows
		}
	}
	for i := range c.code {
		if err := c.run(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// write writes the executed notebook and its page.
func (r *runner) write(j job) error {
	if err := os.MkdirAll(filepath.Dir(j.target), 0o755); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	data, err := j.book.Bytes()
	if err != nil {
		return err
	}
	if err := writeFile(j.target+".ipynb", data); err != nil {
		return err
	}
	return r.export(j, page.Options{Title: strings.TrimSuffix(filepath.Base(j.path), ".ipynb"), Dir: filepath.Dir(j.path)})
}

// writeFile writes a whole file or none: under a temporary name in the same folder, then renamed.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tlab-*")
	if err != nil {
		return fmt.Errorf("run: write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("run: write %s: %w", path, err)
		}
	}()
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// table shows where the time went.
func (r *runner) table() {
	var b strings.Builder
	printSteps(&b, r.steps, time.Since(r.begun))
	for line := range strings.Lines(b.String()) {
		r.console.note(strings.TrimSuffix(line, "\n"))
	}
}

func printSteps(w io.Writer, steps []step, total time.Duration) {
	fmt.Fprintf(w, "\n%-60s %8s\n", "step", "seconds")
	for _, s := range steps {
		fmt.Fprintf(w, "%-60s %8.1f\n", clip(s.name, 60), s.took.Seconds())
	}
	fmt.Fprintf(w, "%-60s %8.1f\n", "in all", total.Seconds())
}
