package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/plots"
)

// sampleEvery is how many cells lie between two measurements of the session's processes.
const sampleEvery = 20

// watched are the processes that a session is made of. The first three are the lab's to keep small; gopls is shown beside them.
var watched = []string{"kernel", "gonb", "engine", "gopls"}

// sample is the session after a number of cells.
type sample struct {
	cell                         int
	memory, descriptors, threads map[string]float64 // by process; memory in MB
	files, processes             int
	reference                    time.Duration // of a small program's build, which says how busy the machine is
}

// The tolerances, for 1,000 cells: what a cell leaves on purpose is its text in the history and in what errors quote, a kilobyte or two, and
// a Go process's heap breathes by some megabytes.
const (
	mostMemory      = 16.0 // MB
	mostDescriptors = 2.0
	mostSlowdown    = 1.15 // of the last 100 cells over the first, less what a reference build slowed down
	trendCells      = 200  // fewer make no trend
)

// TestThousandCells runs cells of all kinds in one session and measures it meanwhile.
func TestThousandCells(t *testing.T) {
	ref := newReference(t)
	s := newStand(t)
	if err := okay(t.Context(), s, "import \"transferlab/plots\"\n%%\nif err := cell.Keep(\"changing\", 0); err != nil { panic(err) }", ""); err != nil {
		t.Fatal(err)
	}
	var samples []sample
	var took []time.Duration
	start := count(s.dir)
	for i := range *cells {
		if i%sampleEvery == 0 {
			samples = append(samples, s.measure(i, ref))
		}
		began := time.Now()
		err := s.kind(i)
		took = append(took, time.Since(began))
		if err != nil {
			t.Errorf("cell %d: %v", i, err)
		}
		if t.Failed() && i > 50 {
			t.Fatal("no sense in going on")
		}
	}
	if more := settled(s.dir, start); more != "" {
		t.Errorf("after %d cells there is more than before: %s", *cells, more)
	}
	if err := errors.Join(s.probe(), s.sameModel()); err != nil {
		t.Error(err)
	}
	samples = append(samples, s.measure(*cells, ref))
	t.Log(report(samples, took))
	if *cells >= trendCells {
		judge(t, samples, took)
	}
	if *figure != "" {
		if err := plots.Save(*figure, sessionFigure{samples, took}); err != nil {
			t.Error(err)
		}
	}
}

// kind runs the i-th cell.
func (s *stand) kind(i int) error {
	ctx := s.t.Context()
	number := fmt.Sprint(i)
	switch i % 10 {
	case 0:
		return okay(ctx, s, "%%\nfmt.Println(\"cell\", "+number+")", "cell "+number)
	case 1:
		return okay(ctx, s, "func current() int { return "+number+" }\n%%\nfmt.Println(\"now\", current())", "now "+number)
	case 2:
		return okay(ctx, s, "%%\nfmt.Println("+number+", len(tl.Must(survivor.Histories(context.Background()))))", number+" 1")
	case 3:
		return s.gives("current() + "+number, "text/plain "+fmt.Sprint(2*i-2))
	case 4:
		return s.gives("%%\nfmt.Println("+number+")\nplots.Show(plots.Parameters(tl.Must(survivor.Summary(context.Background()))))", "image/svg+xml")
	case 5:
		return okay(ctx, s, "%%\nif err := cell.Keep(\"changing\", "+number+"); err != nil { panic(err) }\nfmt.Println(tl.Must(cell.Get[int](\"changing\")))", number)
	case 6:
		return okay(ctx, s, "%%\np := tl.Must(survivor.Predict(context.Background(), datasets.Shapes(8, 1)))\nfmt.Println("+number+", len(p.Classes))", number+" ")
	case 7:
		if i%20 == 7 {
			return s.fails("%%\nfmt.Println(nowhere"+number+")", "CompileError", "nowhere"+number)
		}
		return s.fails("%%\npanic(\"in cell "+number+"\")", "panic", "in cell "+number)
	case 8:
		if i%20 == 8 && s.gopls() {
			return okay(ctx, s, "current?", "")
		}
		return okay(ctx, s, "!echo shell "+number, "shell "+number)
	}
	return okay(ctx, s, "%%\nfor k := range 200 { fmt.Println(k, "+number+") }\ntime.Sleep(10*time.Millisecond)", "199 "+number)
}

// gives runs a cell that must show data, as its MIME type and the beginning of its text.
func (s *stand) gives(code, want string) error {
	reply, o, err := outcome(s.t.Context(), s, code)
	if err != nil {
		return err
	}
	if reply.Status != "ok" || !strings.Contains(o.data.String(), want) {
		return fmt.Errorf("cell %q: %+v, shows %.300q, want %q", code, reply, o.data.String(), want)
	}
	return nil
}

func (s *stand) measure(cell int, ref reference) sample {
	m := sample{cell: cell, memory: map[string]float64{}, descriptors: map[string]float64{}, threads: map[string]float64{}, reference: ref.build(s.t)}
	for _, p := range processes(s.dir) {
		m.processes++
		if role := p.role(); slices.Contains(watched, role) {
			m.memory[role] += float64(status(p.pid, "VmRSS")) / 1e6
			m.descriptors[role] += float64(descriptors(p.pid))
			m.threads[role] += float64(status(p.pid, "Threads"))
		}
	}
	for _, n := range files(s.dir) {
		m.files += n
	}
	return m
}

// reference is a small program beside the session.
type reference struct{ dir string }

func newReference(t *testing.T) reference {
	t.Helper()
	r := reference{dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.dir, "go.mod"), []byte("module reference\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

// build builds it, another each time, and returns the median of three.
func (r reference) build(t *testing.T) time.Duration {
	t.Helper()
	var took []time.Duration
	for range 3 {
		text := fmt.Sprintf("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(%d) }\n", time.Now().UnixNano())
		if err := os.WriteFile(filepath.Join(r.dir, "main.go"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(r.dir, "out"), ".")
		cmd.Dir, cmd.Env = r.dir, append(os.Environ(), "GOWORK=off", markKey+"=")
		began := time.Now()
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		took = append(took, time.Since(began))
	}
	return median(took)
}

// slope is how much y grows by 1,000 cells, fitted by least squares over the last four fifths.
func slope(samples []sample, y func(sample) float64) float64 {
	kept := samples[len(samples)/5:]
	var n, sx, sy, sxx, sxy float64
	for _, m := range kept {
		x := float64(m.cell)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y(m), sxx+x*x, sxy+x*y(m)
	}
	return 1000 * (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// ends are the medians of the first 100 cells after a warm-up of 20, and of the last 100, and the same of the reference.
func ends(samples []sample, took []time.Duration) (first, last, refFirst, refLast time.Duration) {
	between := func(from, to int) time.Duration {
		var all []time.Duration
		for _, m := range samples {
			if m.cell >= from && m.cell <= to {
				all = append(all, m.reference)
			}
		}
		return median(all)
	}
	n := len(took)
	window := min(100, n/2)
	return median(took[min(20, n/4) : min(20, n/4)+window]), median(took[n-window:]), between(20, 20+window), between(n-window, n)
}

func report(samples []sample, took []time.Duration) string {
	var out strings.Builder
	a, b := samples[0], samples[len(samples)-1]
	fmt.Fprintf(&out, "\n%d cells, median %.0f ms\n", len(took), median(took).Seconds()*1000)
	for _, role := range watched {
		memory := slope(samples, func(m sample) float64 { return m.memory[role] })
		open := slope(samples, func(m sample) float64 { return m.descriptors[role] })
		fmt.Fprintf(&out, "%-7s %6.1f MB at first, %6.1f at last, %+6.1f per 1,000 cells; ", role, a.memory[role], b.memory[role], memory)
		fmt.Fprintf(&out, "descriptors %2.0f, %2.0f, %+.1f; threads %2.0f, %2.0f\n", a.descriptors[role], b.descriptors[role], open, a.threads[role], b.threads[role])
	}
	first, last, refFirst, refLast := ends(samples, took)
	fmt.Fprintf(&out, "files %d, then %d; processes %d, then %d\n", a.files, b.files, a.processes, b.processes)
	for _, pair := range []struct {
		what        string
		first, last time.Duration
	}{{"cells", first, last}, {"a reference build beside them", refFirst, refLast}} {
		a, b := 1e3*pair.first.Seconds(), 1e3*pair.last.Seconds()
		fmt.Fprintf(&out, "%s: median over the first 100 %.0f ms, over the last %.0f ms: × %.2f\n", pair.what, a, b, b/a)
	}
	return out.String()
}

// judge fails where something grows.
func judge(t *testing.T, samples []sample, took []time.Duration) {
	for _, role := range watched[:3] {
		if grows := slope(samples, func(m sample) float64 { return m.memory[role] }); grows > mostMemory {
			t.Errorf("%s grows by %.1f MB in 1,000 cells; more than %.0f is a leak", role, grows, mostMemory)
		}
		if grows := slope(samples, func(m sample) float64 { return m.descriptors[role] }); grows > mostDescriptors {
			t.Errorf("%s opens %.1f descriptors in 1,000 cells and does not close them", role, grows)
		}
	}
	if grows := slope(samples, func(m sample) float64 { return float64(m.files) }); grows > mostDescriptors {
		t.Errorf("1,000 cells leave %.1f files", grows)
	}
	first, last, refFirst, refLast := ends(samples, took)
	if slower, machine := last.Seconds()/first.Seconds(), refLast.Seconds()/refFirst.Seconds(); slower > mostSlowdown*max(machine, 1) {
		t.Errorf("the last 100 cells take %.2f times as long as the first, a reference build %.2f", slower, machine)
	}
}
