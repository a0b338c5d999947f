package gx

import (
	"slices"
	"syscall"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// XLA allocates the memory of each run anew. Without backend.Tune every run faults in all of it, page by page.
func TestRunsFindTheirMemoryInPlace(t *testing.T) {
	const rows = 6 << 10 // of 8 kB: 48 MB, beyond what malloc takes for small
	exec := MustNewExec(xla, func(x *Node) *Node {
		wide := BroadcastToDims(Reshape(x, 1, 1024), rows, 1024)
		return Dot(Mul(wide, Iota(x.Graph(), wide.Shape(), 0)), x).Product() // a product of matrices reads a table from memory
	})
	x := numbers(1, 1024)
	faults := func() int64 {
		var before, after syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
			t.Fatal(err)
		}
		exec.MustCall1(x).MustFinalizeAll()
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
			t.Fatal(err)
		}
		return after.Minflt - before.Minflt
	}
	all := make([]int64, 30) // the first ones make room: what is freed is cut up for small things, and XLA frees in a thread of its own
	for i := range all {
		all[i] = faults()
	}
	t.Logf("page faults of each run: %d", all)
	all = all[20:]
	slices.Sort(all)
	if all[len(all)/2] > rows*2/4 {
		t.Errorf("most runs fault in more than a quarter of their memory anew: %d pages", all)
	}
}
