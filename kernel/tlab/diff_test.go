package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the golden texts of the diff scripts anew; read them before you commit")

// TestDiffScripts runs tlab diff on receipts that are variations of a real one.
func TestDiffScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/diff", UpdateScripts: *update, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"tlab": tlabHere,
		"vary": vary,
	}})
}

// tlabHere runs the command in this process: tlab STATUS ARGUMENT…
func tlabHere(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: tlab STATUS ARGUMENT…")
	}
	here, err := os.Getwd()
	ts.Check(err)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	defer os.Chdir(here)
	if got := execute(context.Background(), args[1:], ts.Stdout(), ts.Stderr()); got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}

// vary writes a receipt with other values: vary FROM TO PLACE VALUE…; a place is a path of field names and numbers, a value JSON or a word. null
// takes an element out of a list.
func vary(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args)%2 != 0 {
		ts.Fatalf("usage: vary FROM TO PLACE VALUE…")
	}
	var receipt any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &receipt))
	for i := 2; i < len(args); i += 2 {
		var value any
		if json.Unmarshal([]byte(args[i+1]), &value) != nil {
			value = args[i+1]
		}
		receipt = with(ts, receipt, strings.Split(args[i], "."), value)
	}
	text, err := json.Marshal(receipt)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o644))
}

// with is node with another value at a place.
func with(ts *testscript.TestScript, node any, place []string, value any) any {
	if len(place) == 0 {
		return value
	}
	switch n := node.(type) {
	case map[string]any:
		n[place[0]] = with(ts, n[place[0]], place[1:], value)
		return n
	case []any:
		i, err := strconv.Atoi(place[0])
		if err != nil || i >= len(n) {
			ts.Fatalf("no element %s", place[0])
		}
		if n[i] = with(ts, n[i], place[1:], value); n[i] == nil {
			return append(n[:i:i], n[i+1:]...)
		}
		return n
	}
	ts.Fatalf("nothing at %s", place[0])
	return nil
}
