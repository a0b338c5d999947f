package faults

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"transferlab/kernel"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// stand is one session that faults are done to.
type stand struct {
	executor
	t       *testing.T
	dir     string            // TMPDIR and mark of all its processes
	weights map[string]string // of the model that must live through everything
	number  int               // of probes
}

// The declarations, values and model that must live through everything.
const (
	declared = `import (
	"context"
	"time"

	"transferlab/datasets"
	"transferlab/kernel/cell"
	"transferlab/tl"
)

var survivor = tl.Load("efficientnet_lite0").WithHead("survivor", tl.Dense(3))
var victim = tl.Load("efficientnet_lite0").WithHead("victim", tl.Dense(3))

type pair struct{ A, B int }

func twice(x int) int { return 2 * x }
`
	made = `%%
tl.Must(survivor.Fit(context.Background(), datasets.Shapes(48, 1), datasets.Dataset{}, tl.Phase{Epochs: 2, LearningRate: 1e-3}))
if err := cell.Keep("kept", pair{6, 7}); err != nil { panic(err) }
fmt.Println("made")`
	probing = `%%%%
kept := tl.Must(cell.Get[pair]("kept"))
histories := tl.Must(survivor.Histories(context.Background()))
fmt.Println("probe", twice(%d), kept.A*kept.B, len(histories), len(histories[0].Epochs))`
)

// survivor and victim are the models of the cells above.
var (
	survivor = tl.Load("efficientnet_lite0").WithHead("survivor", tl.Dense(3))
	victim   = tl.Load("efficientnet_lite0").WithHead("victim", tl.Dense(3))
)

func newStand(t *testing.T, env ...string) *stand {
	t.Helper()
	b := needBench(t)
	s := &stand{t: t, dir: stage(t)}
	s.executor = begin(t, b.launch(env...))
	s.furnish()
	return s
}

// furnish gives a fresh kernel what must live.
func (s *stand) furnish() {
	s.t.Helper()
	if err := okay(s.t.Context(), s, declared, ""); err != nil {
		s.t.Fatal(err)
	}
	if err := okay(s.t.Context(), s, made, "made"); err != nil {
		s.t.Fatal(err)
	}
	var err error
	if s.weights, err = s.fingerprint(survivor); err != nil {
		s.t.Fatal(err)
	}
	if len(s.weights) == 0 {
		s.t.Fatal("a model without weights")
	}
	if err := s.probe(); err != nil {
		s.t.Fatal(err)
	}
}

// engine talks to the session's engine as a cell would, without a cell.
func (s *stand) engine() (remote.Client, error) {
	pid, err := find(s.dir, "engine")
	if err != nil {
		return remote.Client{}, err
	}
	var c remote.Client
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for v := range strings.SplitSeq(string(env), "\x00") {
		if id, found := strings.CutPrefix(v, kernel.SessionKey+"="); found {
			c.Session = id
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(s.dir, "tlab-kernel-*"))
	if len(dirs) != 1 {
		return c, fmt.Errorf("folders of kernels: %q", dirs)
	}
	c.Socket = filepath.Join(dirs[0], "engine.sock") // which an engine that starts has not made yet
	return c, nil
}

func (s *stand) call(verb string, in, out any) error {
	c, err := s.engine()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return c.Call(ctx, verb, in, out, nil)
}

// fingerprint is the hash of each of a model's tensors.
func (s *stand) fingerprint(m tl.Model) (prints map[string]string, err error) {
	return prints, s.call(tl.VerbFingerprint, tl.ModelRequest{Model: m}, &prints)
}

// probe asks whether everything is as it was: the next cell runs, what was declared and kept is there, and the model bit for bit.
func (s *stand) probe() error {
	s.number++
	if err := okay(s.t.Context(), s, fmt.Sprintf(probing, s.number), fmt.Sprintf("probe %d 42 1 2", 2*s.number)); err != nil {
		return fmt.Errorf("the next cell: %w", err)
	}
	return nil
}

func (s *stand) sameModel() error {
	now, err := s.fingerprint(survivor)
	if err != nil {
		return fmt.Errorf("the model of before: %w", err)
	}
	if !maps.Equal(now, s.weights) {
		return fmt.Errorf("the model of before is another: %d tensors, were %d", len(now), len(s.weights))
	}
	return nil
}

// A blow is dealt to a stand. It returns when the fault is over: the cell that met it has ended, a process is dead. It reports what is
// wrong with how the kernel took it.
type blow func(i int) error

// row is a line of the table.
type row struct {
	fault        string
	n, fine      int
	taken, after []time.Duration // by the fault until it was over; from there to the next cell's result
	left, note   string
}

// suffer deals a blow as often as asked and probes after each, in a subtest of that name.
func (s *stand) suffer(name string, strike blow) *row {
	s.t.Helper()
	r := &row{fault: name}
	s.t.Run(name, func(t *testing.T) {
		before := count(s.dir)
		for i := range *times {
			s.once(t, r, i, strike)
		}
		if r.left = settled(s.dir, before); r.left != "" {
			t.Errorf("left over: %s", r.left)
		}
		t.Logf("%s", table(r))
	})
	return r
}

func (s *stand) once(t *testing.T, r *row, i int, strike blow) {
	t.Helper()
	began := time.Now()
	err := strike(i)
	over := time.Now()
	r.n++
	r.taken = append(r.taken, over.Sub(began))
	if err != nil {
		t.Errorf("%d: %v", i, err)
	}
	again := s.probe()
	r.after = append(r.after, time.Since(over))
	if again == nil {
		again = s.sameModel()
	}
	switch {
	case again != nil:
		t.Errorf("%d, afterwards: %v", i, again)
	case err == nil:
		r.fine++
	}
}

// table draws rows.
func table(rows ...*row) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfault\tn\tnothing lost\tfault over, median\tworst\tnext result, median s\tworst\tleft over\t")
	for _, r := range rows {
		if r.n == 0 {
			continue // not asked for
		}
		left := r.left
		if left == "" {
			left = "nothing"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\n", r.fault, r.n, r.fine,
			median(r.taken).Seconds(), worst(r.taken).Seconds(), median(r.after).Seconds(), worst(r.after).Seconds(), left, r.note)
	}
	w.Flush()
	return out.String()
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func worst(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Max(all)
}
