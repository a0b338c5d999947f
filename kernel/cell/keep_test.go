package cell

import (
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func inFolder(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv(keepKey, dir)
	return dir
}

// there keeps a value and gets it back.
func there[T any](t *testing.T, value T) {
	t.Helper()
	if err := Keep("v", value); err != nil {
		t.Error(err)
		return
	}
	got, err := Get[T]("v")
	if err != nil || !reflect.DeepEqual(got, value) {
		t.Errorf("%T: kept %v, got %v, %v", value, value, got, err)
	}
}

type tree struct {
	Left, Right *tree
	Any         any
	Seen        time.Time
	hidden      int
}

func TestKeep(t *testing.T) {
	inFolder(t)
	there(t, 42)
	there(t, 0)
	there(t, "größe")
	there(t, []float32{1, 2})
	there(t, []int(nil))
	there(t, map[string][]point{"a": {{1, 2}}})
	there(t, &point{1, 2})
	there(t, (*point)(nil))
	there(t, [2]bool{true, false})
	there(t, time.Now().Round(0))
	there(t, big.NewInt(7))
	there(t, complex(1, 2))
	there(t, any(3))
	there(t, any(nil))
	there(t, error(nil))
	there(t, []any{1, "a", nil}[:2])
	there(t, &tree{Left: &tree{Any: 1}, Any: "a", Seen: time.Now().Round(0)})
	shared := &tree{}
	there(t, &tree{Left: shared, Right: shared})
}

func TestNamesAndDrop(t *testing.T) {
	dir := inFolder(t)
	names := []string{"b", "B", "a/../b", "größe", ".x", "a b", "-"}
	for i, name := range names {
		if err := Keep(name, i); err != nil {
			t.Error(err)
		}
	}
	for i, name := range names {
		if got, err := Get[int](name); got != i || err != nil {
			t.Errorf("%q: %d, %v", name, got, err)
		}
	}
	os.WriteFile(filepath.Join(dir, ".keep-1"), []byte("half"), 0o600) // what a killed cell leaves
	os.WriteFile(filepath.Join(dir, "torn.gob"), []byte("half"), 0o600)
	got, err := Kept()
	want := slices.Clone(names)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	err = Drop("B", "nothing", "a b")
	if err == nil || !strings.Contains(err.Error(), `drop "nothing"`) || strings.Count(err.Error(), "cell:") != 1 {
		t.Error(err)
	}
	if got, _ := Kept(); len(got) != len(names)-2 {
		t.Errorf("%q", got)
	}
	if _, err := Get[int]("B"); err == nil || !strings.Contains(err.Error(), "have -, .x, a/../b, b, größe") {
		t.Error(err)
	}
}

func TestReplacing(t *testing.T) {
	dir := inFolder(t)
	if err := Keep("x", []int{1}); err != nil {
		t.Fatal(err)
	}
	if err := Keep("x", any(struct{ F any }{make(chan int)})); err == nil {
		t.Error("a channel within an interface is kept")
	}
	if got, err := Get[[]int]("x"); err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("a failed Keep loses the earlier value: %v, %v", got, err)
	}
	if err := Keep("x", "other"); err != nil {
		t.Fatal(err)
	}
	if _, err := Get[[]int]("x"); err == nil || !strings.Contains(err.Error(), `kept as string and asked for as []int; write cell.Get[string]("x")`) {
		t.Error(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

type node struct {
	Next *node
	All  []*node
	Name string
}

type nested []nested

// What gob would drop, refuse without naming the part, or die of.
func TestWhatCannotBeKept(t *testing.T) {
	dir := inFolder(t)
	loop := &node{Name: "a"}
	loop.Next = &node{All: []*node{nil, loop}}
	self := map[string]any{}
	self["me"] = self
	deep := nested{nil}
	deep[0] = deep
	for want, err := range map[string]error{
		"func() cannot leave its process (func())":                                        Keep("f", func() {}),
		"[]chan int[…] cannot leave its process":                                          Keep("c", []chan int{}),
		"map[string]func()[…] cannot":                                                     Keep("m", map[string]func(){}),
		"cell.pointer exports no field":                                                   Keep("p", pointer{1}),
		"struct { A []cell.pointer }.A[…] exports no field that could be written (cell.p": Keep("s", struct{ A []pointer }{}),
		"struct { F func() } exports no field":                                            Keep("only", struct{ F func() }{}),
		"*cell.node.Next.All[1] leads back to itself (*cell.node)":                        Keep("loop", loop),
		`map[string]interface {}[me].(map[string]interface {}) leads back`:                Keep("self", self),
		"cell.nested[0] leads back to itself":                                             Keep("deep", deep),
		"[]interface {}[1].(func()) cannot leave":                                         Keep("any", []any{1, func() {}}),
		"the name is empty":                                                               Keep("", 1),
		"the name is too long":                                                            Keep(strings.Repeat("é", 50), 1),
		"gob.Register":                                                                    Keep("unregistered", any(point{1, 2})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cell: keep ") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("%d files are left", len(entries))
	}
	// What is left out is only part of it.
	if err := Keep("half", struct {
		A int
		F func()
		b int
	}{A: 1}); err != nil {
		t.Error(err)
	}
}

func TestOutsideTheKernel(t *testing.T) {
	t.Setenv(keepKey, "")
	_, got := Get[int]("a")
	_, kept := Kept()
	for _, err := range []error{Keep("a", 1), got, kept, Drop("a")} {
		if err == nil || !strings.Contains(err.Error(), "outside the lab's kernel") {
			t.Error(err)
		}
	}
	inFolder(t)
	if _, err := Get[int]("a"); err == nil || !strings.Contains(err.Error(), "nothing is kept yet") {
		t.Error(err)
	}
	t.Setenv(keepKey, filepath.Join(t.TempDir(), "gone"))
	if err := Keep("a", 1); err == nil {
		t.Error("a folder that is not there takes values")
	}
}

func TestTornFile(t *testing.T) {
	dir := inFolder(t)
	if err := Keep("a", []int{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a.gob")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		os.WriteFile(file, whole[:n], 0o600)
		if got, err := Get[[]int]("a"); err == nil || got != nil || !strings.Contains(err.Error(), "keep it again") {
			t.Fatalf("%d of %d bytes: %v, %v", n, len(whole), got, err)
		}
	}
}
