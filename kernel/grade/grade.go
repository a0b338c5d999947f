package grade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/norm"

	"transferlab/kernel/notebook"
	"transferlab/kernel/setup"
	"transferlab/lessons/check"
	"transferlab/lessons/check/answer"
)

// Options say how to grade. The zero value grades every submission as the notebook says whose it is, in a sandbox.
type Options struct {
	Self     string       // this program, which runs the hidden verb answers in the sandbox
	Output   string       // where the caller writes the scores: a place that the sandbox sees is refused
	Students []string     // the roster; then a submission is whose name stands in its path. nil: as the notebook says
	Lessons  []string     // "02": which exercises count; nil: those of the lessons that a submission names
	Trust    bool         // no sandbox
	All      bool         // run all cells
	Limits   Limits       //
	Seed     int64        // of the arguments for funcs; 0 draws one
	Parallel int          // submissions at once; 0 is as many as there are processors
	Done     func(Result) // called after each, one at a time; nil is silent
}

// Grade grades submissions. What is wrong with one of them is in its result; an error is of the grader's own.
func Grade(ctx context.Context, lab *setup.Lab, files []string, o Options) (Report, error) {
	if o.Seed == 0 {
		o.Seed = rand.Int64N(1e9) + 1
	}
	o.Limits = o.Limits.orDefault()
	if err := known(o.Lessons); err != nil {
		return Report{}, err
	}
	checkDir, err := recorderDir()
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(checkDir)
	g := &grader{Options: o, lab: lab, report: Report{Seed: o.Seed, Sandbox: Trusted, Results: make([]Result, len(files))}}
	if o.Trust {
		g.overlay, err = overlay(lab, checkDir)
	} else if g.sandbox, err = newSandbox(ctx, lab, checkDir, o.Limits.Disk); err == nil {
		g.report.Sandbox = g.sandbox.version
		err = g.sandbox.hides(append(folders(files), o.Output))
	}
	if err != nil {
		return Report{}, err
	}
	if err := g.warmUp(ctx); err != nil {
		return Report{}, err
	}
	return g.all(ctx, files)
}

// known refuses lessons without exercises: they would give everybody nothing of nothing.
func known(lessons []string) error {
	var have []string
	for _, e := range check.All() {
		if !slices.Contains(have, e.Lesson()) {
			have = append(have, e.Lesson())
		}
	}
	for _, lesson := range lessons {
		if !slices.Contains(have, lesson) {
			return fmt.Errorf("grade: no such lesson: %q (have %s)", lesson, strings.Join(have, ", "))
		}
	}
	return nil
}

// folders are those of the files, each once.
func folders(files []string) (all []string) {
	for _, file := range files {
		if dir := filepath.Dir(file); !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// grader is one grading.
type grader struct {
	Options
	lab     *setup.Lab
	sandbox *sandbox // nil with Trust
	overlay string
	slots   int // how many submissions run at once
	report  Report
}

// all grades the files, some at once.
func (g *grader) all(ctx context.Context, files []string) (Report, error) {
	next := make(chan int)
	var workers sync.WaitGroup
	var told sync.Mutex
	parallel := g.Parallel
	if parallel <= 0 {
		parallel = runtime.NumCPU()
	}
	g.slots = min(parallel, len(files), 200)
	for slot := range g.slots {
		workers.Go(func() {
			for i := range next {
				r := g.one(ctx, mode{slot: slot}, files[i])
				told.Lock()
				g.report.Results[i] = r
				if g.Done != nil && ctx.Err() == nil {
					g.Done(r)
				}
				told.Unlock()
			}
		})
	}
	for i := range files {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	g.report.twice()
	return g.report, ctx.Err()
}

// one grades one submission.
func (g *grader) one(ctx context.Context, m mode, file string) Result {
	began := time.Now()
	r := Result{File: file, Sandbox: g.report.Sandbox}
	given, err := g.answers(ctx, m, file, &r)
	if err != nil {
		r.Ended = printable(err.Error())
	}
	exercises := slices.DeleteFunc(check.All(), func(e check.Exercise) bool { return !slices.Contains(given.lessons, e.Lesson()) })
	r.mark(exercises, given.answers, g.Seed)
	r.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	return r
}

// handedIn is what a submission is about and what it gave.
type handedIn struct {
	lessons []string
	answers []answer.Given
}

// answers runs a submission.
func (g *grader) answers(ctx context.Context, m mode, file string, r *Result) (h handedIn, err error) {
	h.lessons = g.Lessons
	if r.Student, err = g.enrolled(file); err != nil {
		return h, err
	}
	data, err := readSubmission(file)
	if err != nil {
		return h, err
	}
	book, err := notebook.Parse(data)
	if err != nil {
		return h, err
	}
	if h.lessons == nil {
		h.lessons = lessonsOf(book)
	}
	if len(h.lessons) == 0 {
		return h, errors.New("it names no exercise")
	}
	if name := printable(studentOf(book)); g.Students == nil {
		r.Student = name
	} else if name != r.Student {
		r.note(whose(name, r.Student))
	}
	cases := map[string][]answer.Case{}
	for _, e := range check.All() {
		if list := e.Cases(r.Student, g.Seed); list != nil && slices.Contains(h.lessons, e.Lesson()) {
			cases[e.ID] = list
		}
	}
	if data, err = sources(book); err != nil {
		return h, err
	}
	err = g.run(ctx, m, job{Notebook: data, Cases: cases, Limits: g.Limits, All: g.All, Overlay: g.overlay, Slot: m.slot, Slots: g.slots}, func(l line) {
		if l.Given != nil {
			h.answers = append(h.answers, *l.Given)
		}
		if l.Note != "" {
			r.note(l.Note)
		}
	})
	return h, err
}

// whose says that a notebook was made for another one than the roster says.
func whose(made, roster string) string {
	if made == "" {
		return "the notebook was released for nobody, so its exercises had the lecture's numbers; they are judged with " + roster + "'s. Grade without a roster what was handed out without one"
	}
	return "the notebook was released for " + made + ", and is judged as " + roster + "'s"
}

// readSubmission reads what is handed in. A link is not followed: it could lead to another one's.
func readSubmission(file string) ([]byte, error) {
	info, err := os.Lstat(file)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is a link; hand in the notebook itself", file)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", file)
	case info.Size() > largest:
		return nil, fmt.Errorf("%s has %d MB; a submission may have %d", file, info.Size()>>20, largest>>20)
	}
	data, err := os.ReadFile(file)
	if err == nil && values(data) > mostValues {
		err = fmt.Errorf("%s has more than %d lines, outputs and cells", file, mostValues)
	}
	return data, err
}

// values is about how many values stand in a JSON text. Each takes some hundred bytes of memory when it is read, if only two in the file.
func values(data []byte) (n int) {
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// sources is a notebook without outputs, which the sandbox has no use for.
func sources(book *notebook.Notebook) ([]byte, error) {
	for _, cell := range book.Cells {
		cell.Outputs, cell.Attachments = nil, nil
	}
	return book.Bytes()
}

// enrolled is whose submission it is where there is a roster: a notebook can claim to be anybody's, so that goes by the path. The folder, which
// the lecturer made, comes before the name, which perhaps a student chose.
func (g *grader) enrolled(file string) (string, error) {
	if g.Students == nil {
		return "", nil
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	for _, part := range []string{filepath.Base(filepath.Dir(full)), strings.TrimSuffix(filepath.Base(full), filepath.Ext(full))} {
		if name, err := named(g.Students, part); name != "" || err != nil {
			return name, err
		}
	}
	return "", errors.New("neither its folder nor its name has a name of the roster in it")
}

// named is the one of the students whose name stands in a text, "" if none does. Of "Ann" and "Ann Lee" in "Ann Lee" it is the longer.
func named(students []string, text string) (found string, err error) {
	for _, name := range students {
		if within(text, name) && len(name) > len(found) {
			found = name
		}
	}
	for _, name := range students {
		if within(text, name) && !within(found, name) {
			return "", fmt.Errorf("%q has two names of the roster in it, %s and %s; rename it", text, found, name)
		}
	}
	return found, nil
}

// within reports whether a name stands in a text, as a word of its own. Some systems write ü in file names as u and two dots.
func within(text, name string) bool {
	pattern := `(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(norm.NFC.String(name)) + `($|[^\pL\pN])`
	return regexp.MustCompile(pattern).MatchString(norm.NFC.String(text))
}

var exerciseID = regexp.MustCompile(`\bcheck\s*\.\s*(?:Ask|Answer|Predict|Reveal)\s*\(\s*"([0-9]{2})/`)

// lessonsOf are the lessons whose exercises a notebook names.
func lessonsOf(book *notebook.Notebook) (lessons []string) {
	for _, cell := range book.Cells {
		if cell.Kind != notebook.Code {
			continue
		}
		for _, m := range exerciseID.FindAllStringSubmatch(cell.Source, -1) {
			known := func(e check.Exercise) bool { return e.Lesson() == m[1] }
			if !slices.Contains(lessons, m[1]) && slices.ContainsFunc(check.All(), known) {
				lessons = append(lessons, m[1])
			}
		}
	}
	slices.Sort(lessons)
	return lessons
}

// studentOf is the name that release wrote into the notebook.
func studentOf(book *notebook.Notebook) string {
	var metadata struct {
		Lab struct {
			Student string `json:"student"`
		} `json:"transferlab"`
	}
	if json.Unmarshal(book.Metadata, &metadata) != nil {
		return ""
	}
	return metadata.Lab.Student
}
