package engine

import (
	"math"
	"testing"
	"time"

	"transferlab/tl"
	"transferlab/tl/gx"
)

// machine is a clock that only training moves on.
type machine struct {
	now   time.Duration
	speed func(now time.Duration) float64 // 1 is as measured
}

func (m *machine) work(d time.Duration) time.Duration {
	took := time.Duration(float64(d) / m.speed(m.now))
	m.now += took
	return took
}

// drive runs a phase under a pace and says how many epochs it had, when it ended, and the schedule's factor at each step.
func drive(m *machine, most int, limit time.Duration, step, validate time.Duration) (epochs int, factors []float64, p *pace) {
	const steps = 20
	p = newPace(most, 0, steps, func() time.Duration { return limit - m.now }, step, validate)
	for p.more() {
		for range steps {
			factors = append(factors, p.factor(gx.Cosine))
			p.stepped(m.work(step))
		}
		p.validated(m.work(validate))
		epochs++
	}
	return epochs, factors, p
}

// TestPaceKeepsToItsLimit: an epoch is 20 steps of 100 ms and half a second of validation, 2.5 s.
func TestPaceKeepsToItsLimit(t *testing.T) {
	steady := func(time.Duration) float64 { return 1 }
	for _, c := range []struct {
		name         string
		most         int
		limit        time.Duration
		speed        func(time.Duration) float64
		epochs       [2]int // bounds
		within, late float64
	}{
		{"as measured", 100, 50 * time.Second, steady, [2]int{20, 20}, 0.15, 0.05},
		{"the most is enough", 5, 50 * time.Second, steady, [2]int{5, 5}, 1, 0},
		{"half as fast from the middle on", 100, 50 * time.Second, func(now time.Duration) float64 {
			if now > 25*time.Second {
				return 0.5
			}
			return 1
		}, [2]int{14, 16}, 0.10, 0.06},
		{"half as fast as measured", 100, 50 * time.Second, func(time.Duration) float64 { return 0.5 }, [2]int{9, 11}, 0.10, 0.06},
		{"twice as fast as measured", 100, 50 * time.Second, func(time.Duration) float64 { return 2 }, [2]int{39, 41}, 0.06, 0.06},
		{"a third as fast in the last epoch but one", 100, 10 * time.Second, func(now time.Duration) float64 {
			if now > 6*time.Second {
				return 1.0 / 3
			}
			return 1
		}, [2]int{3, 3}, 0.15, 0.15},
		{"not one epoch fits", 100, 1600 * time.Millisecond, steady, [2]int{0, 0}, 1, 0},
		{"one epoch nearly fits", 100, 1700 * time.Millisecond, steady, [2]int{1, 1}, 1, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &machine{speed: c.speed}
			epochs, factors, _ := drive(m, c.most, c.limit, 100*time.Millisecond, 500*time.Millisecond)
			if epochs < c.epochs[0] || epochs > c.epochs[1] {
				t.Errorf("%d epochs, want %v", epochs, c.epochs)
			}
			off := m.now.Seconds()/c.limit.Seconds() - 1
			if off > c.late || off < -c.within {
				t.Errorf("ended at %s of %s", m.now, c.limit)
			}
			for i := 1; i < len(factors); i++ {
				if factors[i] >= factors[i-1] {
					t.Fatalf("step %d: the schedule rises from %g to %g", i, factors[i-1], factors[i])
				}
			}
			// The last step is one step before the floor, wherever the number of epochs changed.
			if n := len(factors); n > 0 && factors[n-1] > 0.03 {
				t.Errorf("the schedule ended at %g", factors[n-1])
			}
		})
	}
}

// TestPaceWithoutSurprises: where the machine keeps its speed, the rates are those of a phase of so many epochs without a limit, bit for bit.
func TestPaceWithoutSurprises(t *testing.T) {
	m := &machine{speed: func(time.Duration) float64 { return 1 }}
	epochs, factors, _ := drive(m, 100, 26*time.Second, 100*time.Millisecond, 500*time.Millisecond)
	free := newPace(epochs, 0, 20, nil, 0, 0)
	for i, got := range factors {
		if want := free.factor(gx.Cosine); got != want {
			t.Fatalf("step %d: %g, without a limit %g", i, got, want)
		}
		free.stepped(0)
	}
	if free.more() || epochs != 10 {
		t.Errorf("%d epochs, want 10", epochs)
	}
}

// TestPaceOfAnOverdueHead: an epoch that costs next to nothing is run though its preparations took all the time, one that costs something is not.
func TestPaceOfAnOverdueHead(t *testing.T) {
	over := func() time.Duration { return -time.Minute }
	for _, c := range []struct {
		step time.Duration
		want int
	}{{time.Millisecond, 1}, {250 * time.Millisecond, 1}, {350 * time.Millisecond, 0}} {
		p := newPace(9, 0, 20, over, c.step, 0)
		if p.atLeastOne(time.Minute); p.epochs != c.want {
			t.Errorf("steps of %s: %d epochs, want %d", c.step, p.epochs, c.want)
		}
		for p.more() {
			p.stepped(c.step)
		}
		if p.done != 20*c.want {
			t.Errorf("steps of %s: %d steps", c.step, p.done)
		}
	}
}

func oneCycle(warmUp, divisor float64) tl.Phase {
	return tl.Phase{Schedule: "one-cycle", WarmUp: warmUp, StartDivisor: divisor}
}

func TestOneCycleOfAPhase(t *testing.T) {
	schedule := must[gx.Schedule](t)(scheduleOf(oneCycle(0.3, 5)))
	for _, c := range []struct{ step, want float64 }{{0, 0.2}, {300, 1}, {1000, 1e-5}} {
		if got := schedule(int(c.step), 1000); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("step %g: %g, want %g", c.step, got, c.want)
		}
	}
	standard, own := must[gx.Schedule](t)(scheduleOf(oneCycle(0, 0))), must[gx.Schedule](t)(scheduleOf(oneCycle(0, 25)))
	for step := range 100 {
		if standard(step, 100) != own(step, 100) || own(step, 100) != gx.OneCycle(step, 100) {
			t.Fatalf("step %d: %g and %g", step, standard(step, 100), own(step, 100))
		}
	}
}
