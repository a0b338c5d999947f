package faults

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"transferlab/kernel"
)

// several kernels at once, of one user, on one machine.
func several(t *testing.T) []*row { return append(two(t), ten(t)) }

// two: what is done to the one is not felt by the other.
func two(t *testing.T) []*row {
	s, other := newStand(t), newStand(t)
	return []*row{s.suffer("two kernels at once", func(i int) error {
		code := fmt.Sprintf("%%%%\nfmt.Println(\"began\", twice(%d))\ntime.Sleep(2 * time.Second)\nfmt.Println(\"ended\")", i)
		theirs, err := launched(t.Context(), other, code, "began")
		if err != nil {
			return err
		}
		switch i % 4 {
		case 0:
			err = s.interruptRun(i)
		case 1:
			err = s.killEngine(i)
		case 2:
			err = s.killGoNB(i)
		default:
			err = s.panics(i)
		}
		if err := errors.Join(err, theirs.end(grace)); err != nil {
			return err
		}
		if theirs.reply.Status != "ok" || theirs.out.stdout.String() != fmt.Sprintf("began %d\nended\n", 2*i) {
			return fmt.Errorf("the other kernel: %+v %q", theirs.reply, theirs.out.stdout.String())
		}
		return errors.Join(other.probe(), other.sameModel())
	})}
}

// ten kernels, in a series, start at once and then run cells at once. One round is one row's entry: its time is that of the slowest.
func ten(t *testing.T) *row {
	kernels := 10
	if *times == 1 {
		kernels = 4 // with all other tests, a quarter of a minute less
	}
	b := needBench(t)
	dir := stage(t)
	r := &row{fault: fmt.Sprintf("%d kernels at once", kernels)}
	sessions := make([]*kernel.Session, kernels)
	began := time.Now()
	all := func(f func(k int) error) error {
		var wg sync.WaitGroup
		faults := make([]error, kernels)
		for k := range kernels {
			wg.Go(func() { faults[k] = f(k) })
		}
		wg.Wait()
		return errors.Join(faults...)
	}
	err := all(func(k int) (err error) {
		if sessions[k], err = kernel.Start(t.Context(), b.launch()); err != nil {
			return err
		}
		return okay(t.Context(), sessions[k], declared+fmt.Sprintf("var mine = %d\n%%%%\nfmt.Println(\"first\", mine)", k), fmt.Sprintf("first %d", k))
	})
	t.Cleanup(func() {
		if err := all(func(k int) error {
			if sessions[k] == nil {
				return nil
			}
			return sessions[k].Close()
		}); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.note = fmt.Sprintf("started, and one cell each: %.1f s", time.Since(began).Seconds())
	before := count(dir)
	for i := range *times {
		began := time.Now()
		err := all(func(k int) error {
			return okay(t.Context(), sessions[k], fmt.Sprintf("%%%%\nfmt.Println(\"round\", %d, mine, twice(mine))", i), fmt.Sprintf("round %d %d %d", i, k, 2*k))
		})
		r.n++
		r.after = append(r.after, time.Since(began))
		if err != nil {
			t.Errorf("%s, round %d: %v", r.fault, i, err)
		} else {
			r.fine++
		}
	}
	if r.left = settled(dir, before); r.left != "" {
		t.Errorf("%s: left over: %s", r.fault, r.left)
	}
	return r
}
