package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"transferlab/kernel"
	"transferlab/kernel/grade"
	"transferlab/kernel/setup"
)

func gradeCommand() *cobra.Command {
	var g grading
	cmd := &cobra.Command{
		Use:   "grade NOTEBOOK…",
		Short: "Grade notebooks that students hand in, each in a sandbox",
		Long: `grade runs what students hand in and marks their answers. It writes scores.csv, a row for each notebook, and scores.json, with each
answer, the mistake that was recognised, and the reason.

Each notebook is a stranger's program. It runs under bubblewrap: no network, a read-only system, a home and a /tmp of its own in memory, its own
processes, and limits on time, memory and processes. It has its own kernel and engine, and no way to the scores or to the other notebooks. Only
answers come out; they are judged here, so that whatever a notebook says about its points is not even read. Where the system refuses such a
sandbox, grade refuses too; --trust runs the notebooks as you, and every row says so.

Only cells that declare something or answer an exercise are run: nothing is trained, unless an answer needs it. The last answer to an exercise
that is not nil counts. Of a prediction only that it was made.

Whose notebook it is: with --students, whose name stands in the file's or its folder's name; without, whom "tlab release" made it for, as the
notebook says. The status is 0 if all notebooks ran to their end, 1 if one did not; it has its row all the same.`,
		Example: `  tlab grade handed-in/*/02-parameters.ipynb
  tlab grade --students class.txt --output scores handed-in/*.ipynb
  tlab grade --time 5m --all handed-in/anna/07-fine-tuning.ipynb`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			g.console = newConsole(cmd.OutOrStdout())
			return g.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&g.output, "output", "o", ".", "folder for scores.csv and scores.json")
	f.StringVar(&g.roster, "students", "", "file with the students' names, one a line")
	f.StringSliceVar(&g.options.Lessons, "lesson", nil, "lessons whose exercises count, such as 02 (default: those that a notebook names)")
	f.BoolVar(&g.options.All, "all", false, "run all cells, also those that train")
	f.BoolVar(&g.options.Trust, "trust", false, "run without a sandbox")
	f.DurationVar(&g.options.Limits.Time, "time", 2*time.Minute, "longest time for one notebook")
	f.DurationVar(&g.options.Limits.Cell, "cell", 20*time.Second, "longest time for one cell")
	f.StringVar(&g.memory, "memory", "2GB", "what one notebook may hold in memory")
	f.IntVar(&g.options.Parallel, "parallel", 0, "notebooks at once (default: as many as there are processors)")
	f.Int64Var(&g.options.Seed, "seed", 0, "of the arguments on which functions are tried (default: drawn, and noted in scores.json)")
	return cmd
}

// grading is one run of the command.
type grading struct {
	output, roster, memory string
	options                grade.Options
	console                *console
}

func (g *grading) run(ctx context.Context, files []string) (err error) {
	if g.options.Limits.Memory, err = kernel.ParseBytes(g.memory); err != nil {
		return fmt.Errorf("grade: --memory: %w", err)
	}
	if g.roster != "" {
		if g.options.Students, err = readRoster(g.roster); err != nil {
			return err
		}
	}
	for _, file := range files { // a misspelt name must not cost the others' time; a link into the void is one submission's fault
		if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("grade: %s: no such file", file)
		} else if err != nil {
			return fmt.Errorf("grade: %w", err)
		}
	}
	if err := os.MkdirAll(g.output, 0o755); err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	lab, err := setup.Ensure(ctx, setup.ForRun, report(g.console))
	if err != nil {
		return err
	}
	if g.options.Self, err = os.Executable(); err != nil {
		return err
	}
	g.options.Output = g.output
	advance := g.progress(len(files))
	g.options.Done = func(r grade.Result) { advance(r.File) }
	scores, err := grade.Grade(ctx, lab, files, g.options)
	if err != nil {
		return err
	}
	if err := g.write(scores); err != nil {
		return err
	}
	if slices.ContainsFunc(scores.Results, func(r grade.Result) bool { return r.Ended != "" }) {
		return errReported
	}
	return nil
}

// progress draws how far it is and how long it takes yet, where there is a terminal.
func (g *grading) progress(files int) (advance func(what string)) {
	if g.console.width == 0 || !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(string) {}
	}
	bar := progressbar.NewOptions(files, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("grading"), progressbar.OptionSetRenderBlankState(true))
	return func(what string) {
		bar.Describe("graded " + clip(strings.Trim(strconv.QuoteToGraphic(filepath.Base(what)), `"`), 30)) // a stranger's name: no signs that a terminal obeys
		_ = bar.Add(1)
	}
}

// write writes the two files and shows the table.
func (g *grading) write(scores grade.Report) error {
	var csv, json, table strings.Builder
	if err := errors.Join(scores.CSV(&csv), scores.JSON(&json)); err != nil {
		return fmt.Errorf("grade: %w", err)
	}
	for name, text := range map[string]string{"scores.csv": csv.String(), "scores.json": json.String()} {
		if err := writeFile(filepath.Join(g.output, name), []byte(text)); err != nil {
			return err
		}
	}
	scores.Table(&table)
	for line := range strings.Lines(table.String()) {
		g.console.note(strings.TrimRight(line, " \n"))
	}
	g.console.note("wrote " + filepath.Join(g.output, "scores.csv") + " and .json; sandbox: " + scores.Sandbox)
	return nil
}

// readRoster reads names, one a line; empty lines and those that begin with # are none.
func readRoster(path string) (names []string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read students: %w", err)
	}
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		name := strings.TrimSpace(line)
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
		case slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(name, other) }):
			return nil, fmt.Errorf("read students: %s: %q stands there twice", path, name)
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read students: %s names nobody; write one name a line", path)
	}
	return names, nil
}

// answersCommand runs in the sandbox of grade.
func answersCommand() *cobra.Command {
	confined, user := false, 0
	cmd := &cobra.Command{
		Use:    "answers",
		Short:  "Run a submission's cells and pass on its answers (started by grade)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			return grade.Answers(cmd.Context(), os.Stdin, os.Stdout, kernel.Launch{Argv: []string{self, "kernel", "{connection_file}"}}, confined, user)
		},
	}
	cmd.Flags().BoolVar(&confined, "confine", false, "set limits on this process first")
	cmd.Flags().IntVar(&user, "user", 0, "then become this user; 0 stays")
	return cmd
}
