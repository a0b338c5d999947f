package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"transferlab/kernel/grade"
	"transferlab/kernel/notebook"
)

func releaseCommand() *cobra.Command {
	var r releasing
	cmd := &cobra.Command{
		Use:   "release NOTEBOOK…",
		Short: "Make the notebooks that students get",
		Long: `release makes the students' version of notebooks: outputs are gone, answers are nil again, and each student's exercises come with numbers of their
own, drawn from the student's name. The same name always draws the same numbers, for "tlab grade" as well. Ids of cells stay.

With --student it writes OUT/NAME.ipynb; with --students, a folder for each student: OUT/STUDENT/NAME.ipynb. With neither, exercises have the
lecture's own numbers.

Answers do not stand in notebooks, but whoever reads the source of package lessons/check finds them: exercises are practice.`,
		Example: `  tlab release --students class.txt --out handed-out notebooks/02-parameters.ipynb
  tlab release --student "Anna Bauer" --out . notebooks/*.ipynb`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.console = newConsole(cmd.OutOrStdout())
			return r.run(args)
		},
	}
	cmd.Flags().StringVar(&r.student, "student", "", "the one student that they are for")
	cmd.Flags().StringVar(&r.roster, "students", "", "file with the students' names, one a line")
	cmd.Flags().StringVar(&r.out, "out", "released", "folder to write to")
	cmd.MarkFlagsMutuallyExclusive("student", "students")
	return cmd
}

// releasing is one run of the command.
type releasing struct {
	student, roster, out string
	console              *console
}

func (r *releasing) run(paths []string) error {
	students := []string{strings.TrimSpace(r.student)}
	if r.roster != "" {
		var err error
		if students, err = readRoster(r.roster); err != nil {
			return err
		}
	}
	books := make([]*notebook.Notebook, len(paths)) // all are read before one is written
	for i, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil {
			books[i], err = notebook.Parse(data)
		}
		if err != nil {
			return fmt.Errorf("release %s: %w", path, err)
		}
	}
	if err := r.distinct(students, paths); err != nil {
		return err
	}
	for _, student := range students {
		for i, path := range paths {
			if err := r.one(path, books[i], student); err != nil {
				return err
			}
		}
	}
	r.console.note(fmt.Sprintf("wrote %d notebooks for %d students to %s", len(paths)*len(students), len(students), r.out))
	return nil
}

// distinct refuses what cannot be written, or would be written over, before anything is written.
func (r *releasing) distinct(students, paths []string) error {
	for _, student := range students {
		if r.roster != "" && (strings.ContainsAny(student, `/\`) || strings.HasPrefix(student, ".")) {
			return fmt.Errorf("release: %q cannot be a folder's name; write the student's name without / and a dot before it", student)
		}
	}
	from := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if other, taken := from[name]; taken {
			return fmt.Errorf("release: %s and %s would both become %s; release them to different folders", other, path, name)
		}
		from[name] = path
	}
	return nil
}

// one writes one notebook for one student.
func (r *releasing) one(path string, book *notebook.Notebook, student string) error {
	made, err := grade.Release(book, student)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	data, err := made.Bytes()
	if err != nil {
		return err
	}
	dir := r.out
	if r.roster != "" {
		dir = filepath.Join(dir, student)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	target := filepath.Join(dir, filepath.Base(path))
	if same(path, target) {
		return errors.New("release: " + target + " is the notebook itself; choose another folder with --out")
	}
	return writeFile(target, data)
}

// same reports whether two paths are one file.
func same(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}
