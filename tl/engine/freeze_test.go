package engine

import (
	"strings"
	"testing"

	"transferlab/tl"
	"transferlab/tl/remote"
)

// unfrozenBlocks lists the unfrozen blocks of the base.
func unfrozenBlocks(s tl.Summary) string {
	var names []string
	for _, b := range s.Blocks[:len(s.Blocks)-1] { // the last is the head
		if !b.Frozen {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, " ")
}

// TestFreezeByName: blocks, stages and patterns, alone and together.
func TestFreezeByName(t *testing.T) {
	model := lite.WithHead("by name", tl.Dense(3))
	unfreeze := func(names ...string) (tl.Summary, error) { return model.Unfreeze(quiet(), names...) }
	freeze := func(names ...string) (tl.Summary, error) { return model.Freeze(quiet(), names...) }
	from := func(names ...string) (tl.Summary, error) { return model.UnfreezeFrom(quiet(), names[0]) }
	const all = "stem mbconv1 mbconv2 mbconv3 mbconv4 mbconv5 mbconv6 mbconv7 mbconv8 mbconv9 mbconv10 mbconv11 mbconv12 mbconv13 mbconv14 mbconv15 mbconv16 top"
	for _, c := range []struct {
		name  string
		verb  func(...string) (tl.Summary, error)
		names []string
		want  string // what is unfrozen afterwards
	}{
		{"everything frozen", freeze, nil, ""},
		{"a block", unfreeze, []string{"mbconv16"}, "mbconv16"},
		{"and another", unfreeze, []string{"top"}, "mbconv16 top"},
		{"a block again", unfreeze, []string{"top", "top"}, "mbconv16 top"},
		{"everything", unfreeze, nil, all},
		{"a pattern", freeze, []string{"mbconv?"}, "stem mbconv10 mbconv11 mbconv12 mbconv13 mbconv14 mbconv15 mbconv16 top"},
		{"a pattern of a prefix", freeze, []string{"mbconv1*"}, "stem top"},
		{"a class of letters", unfreeze, []string{"mbconv[2-4]"}, "stem mbconv2 mbconv3 mbconv4 top"},
		{"a stage", freeze, []string{"stem", "stage2"}, "mbconv4 top"},
		{"a stage and a pattern", unfreeze, []string{"stage1", "*15"}, "mbconv1 mbconv4 mbconv15 top"},
		{"from a block", from, []string{"mbconv15"}, "mbconv15 mbconv16 top"},
		{"from a stage", from, []string{"stage7"}, "mbconv16 top"},
		{"from a pattern", from, []string{"mbconv1[2-9]"}, "mbconv12 mbconv13 mbconv14 mbconv15 mbconv16 top"},
		{"from the first", from, []string{"stem"}, all},
		{"all patterns", freeze, []string{"*"}, ""},
	} {
		s, err := c.verb(c.names...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := unfrozenBlocks(s); got != c.want {
			t.Errorf("%s: %s unfrozen instead of %s", c.name, got, c.want)
		}
	}
	must[tl.Summary](t)(unfreeze("mbconv16"))
	for _, c := range []struct {
		verb func(...string) (tl.Summary, error)
		name string
		want string
	}{
		{unfreeze, "mbconv61", `tl: freeze "by name": no block "mbconv61": did you mean mbconv16? (have stem, mbconv1, `},
		{unfreeze, "stgae7", `no block "stgae7": did you mean stage7? (have stem, `},
		{freeze, "layer4", `no block "layer4" (have stem, `},
		{freeze, "", `no block "" (have stem, `},
		{freeze, "mbcnov*", `no block matches the pattern "mbcnov*": did you mean mbconv1? (have stem, `},
		{unfreeze, "vit*", `no block matches the pattern "vit*" (have stem, `},
		{unfreeze, "mbconv[1", `pattern "mbconv[1" is malformed; * stands for any letters`},
		{unfreeze, "head", `the head is no block of the base: it is always trained (have stem, `},
		{from, "tpo", `tl: unfreeze from "by name": no block "tpo": did you mean top? (have stem, `},
	} {
		names := []string{"mbconv1", c.name} // nothing is done for the first where the second is wrong
		if c.name == "tpo" {
			names = names[1:]
		}
		if _, err := c.verb(names...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, without %q", c.name, err, c.want)
		}
	}
	if got := unfrozenBlocks(must[tl.Summary](t)(model.Summary(quiet()))); got != "mbconv16" {
		t.Errorf("a call that failed changed something: %s is unfrozen", got)
	}
}

// TestPatternsSurviveAnEngine: what patterns unfroze is unfrozen in the next engine that finds the checkpoint.
func TestPatternsSurviveAnEngine(t *testing.T) {
	dir := t.TempDir()
	model := lite.WithHead("patterns", tl.Dense(3))
	call := func(e *Engine, verb string, in any) string {
		t.Helper()
		var s tl.Summary
		if err := e.Call(quiet(), verb, in, &s, func(remote.Progress) {}); err != nil {
			t.Fatal(err)
		}
		return unfrozenBlocks(s)
	}
	first := must[*Engine](t)(New(Options{Dir: dir}))
	const want = "mbconv6 mbconv12 mbconv13 mbconv14 mbconv15 mbconv16 top"
	if got := call(first, tl.VerbFreeze, tl.FreezeRequest{Model: model, Blocks: []string{"stage6", "*6", "top"}}); got != want {
		t.Errorf("%s unfrozen", got)
	}
	first.state.flush(must[string](t)(modelKey("", model)))
	if got := call(must[*Engine](t)(New(Options{Dir: dir})), tl.VerbSummary, tl.ModelRequest{Model: model}); got != want {
		t.Errorf("in the next engine %s is unfrozen instead of %s", got, want)
	}
}
