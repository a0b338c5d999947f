package gx

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func ExampleConstant() {
	fmt.Println(Constant(0, 100), Constant(50, 100), Constant(100, 100))
	// Output: 1 1 1
}

func ExampleCosine() {
	for _, step := range []int{0, 25, 50, 75, 100} {
		fmt.Printf("%3d %.4f\n", step, Cosine(step, 100))
	}
	// Output:
	//   0 1.0000
	//  25 0.8536
	//  50 0.5000
	//  75 0.1464
	// 100 0.0000
}

func ExampleOneCycle() {
	for _, step := range []int{0, 12, 25, 50, 75, 99, 100} {
		fmt.Printf("%3d %.5f\n", step, OneCycle(step, 100))
	}
	// Output:
	//   0 0.04000
	//  12 0.48986
	//  25 1.00000
	//  50 0.75000
	//  75 0.25001
	//  99 0.00045
	// 100 0.00001
}

func ExampleScheduleByName() {
	schedule, err := ScheduleByName("cosine")
	fmt.Printf("%.2f %v\n", schedule(50, 100), err)
	_, err = ScheduleByName("linear")
	fmt.Println(err)
	// Output:
	// 0.50 <nil>
	// gx: no learning-rate schedule "linear" (have constant, cosine, one-cycle)
}

func TestOneCycleRisesThenFalls(t *testing.T) {
	for _, total := range []int{4, 7, 100, 1001} {
		peak := 0
		for step := 1; step <= total; step++ {
			before, now := OneCycle(step-1, total), OneCycle(step, total)
			switch rising := float64(step) <= 0.25*float64(total); {
			case rising && now <= before, float64(step-1) >= 0.25*float64(total) && now >= before:
				t.Fatalf("total %d: from step %d to %d goes from %g to %g", total, step-1, step, before, now)
			}
			if now > OneCycle(peak, total) {
				peak = step
			}
		}
		if math.Abs(float64(peak)-0.25*float64(total)) > 1 {
			t.Errorf("total %d: peak at step %d", total, peak)
		}
	}
}

// A factor outside [0, 1] would train faster than the user asked; steps and totals out of range come from a resumed or an empty phase.
func TestSchedulesStayBetweenTheirEnds(t *testing.T) {
	for _, s := range schedules {
		for _, total := range []int{0, 1, 10} {
			for step := -3; step <= 13; step++ {
				if f := s.schedule(step, total); !(f >= 0 && f <= 1) {
					t.Errorf("%s(%d, %d) = %g", s.name, step, total, f)
				}
			}
		}
		if s.schedule(-3, 10) != s.schedule(0, 10) || s.schedule(13, 10) != s.schedule(10, 10) {
			t.Errorf("%s goes on outside its ends", s.name)
		}
		if found, err := ScheduleByName(s.name); err != nil || found(3, 10) != s.schedule(3, 10) {
			t.Errorf("%s is not found by its name: %v", s.name, err)
		}
	}
	if found, err := ScheduleByName(""); err != nil || found(9, 10) != 1 {
		t.Errorf("no name is not constant: %v", err)
	}
	if _, err := ScheduleByName("Cosine"); err == nil || !strings.Contains(err.Error(), `"Cosine"`) {
		t.Errorf("error %v, want one that names it", err)
	}
}
