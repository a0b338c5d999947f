package gx

import (
	"slices"
	"syscall"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"

	"transferlab/tl/engine/backend"
)

// tableProgram needs a table with so many rows of 8 kB.
func tableProgram(rows int) *Exec {
	return MustNewExec(xla, func(x *Node) *Node {
		wide := BroadcastToDims(Reshape(x, 1, 1024), rows, 1024)
		return Dot(Mul(wide, Iota(x.Graph(), wide.Shape(), 0)), x).Product() // a product of matrices reads a table from memory
	})
}

// XLA allocates the memory of each run anew. Without backend.Tune every run faults in all of it, page by page.
func TestRunsFindTheirMemoryInPlace(t *testing.T) {
	const rows = 6 << 10 // of 8 kB: 48 MB, beyond what malloc takes for small
	exec := tableProgram(rows)
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

// More than 2 GiB, which malloc would give back by itself, is kept too: a step with batch statistics takes as much. But something small settles in
// what was freed, and the next run takes new memory: without backend.TrimAbove the process grows by the whole table every few runs.
func TestMuchMemoryIsKeptAndTrimmed(t *testing.T) {
	const table, limit = 5 << 29, 1 << 30 // 2.5 GiB
	if backend.Keep() < 2<<30 {
		t.Skip("needs a machine, or a container, with 8 GiB of memory")
	}
	resident := func() int64 {
		all, _, err := backend.Resident()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	backend.Trim()
	defer backend.Trim()
	before, x, exec := resident(), numbers(1, 1024), tableProgram(table>>13)
	defer exec.Finalize()
	exec.MustCall1(x).MustFinalizeAll()
	time.Sleep(time.Second / 2) // XLA frees in a thread of its own
	if kept := resident() - before; kept < table*9/10 {
		t.Errorf("%d MiB of a table of %d are there for the next run", kept>>20, table>>20)
	}
	var most int64
	for range 8 {
		backend.TrimAbove(limit)
		exec.MustCall1(x).MustFinalizeAll()
		most = max(most, resident()-before)
	}
	t.Logf("at most %d MiB held by runs that need %d", most>>20, table>>20)
	if most > 2*table+limit {
		t.Errorf("%d MiB were held at once by runs that need %d", most>>20, table>>20)
	}
}
