package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/kernel/setup"
)

// A cell's demo outlives the cell, is there for the next one, and ends when it is told to.
func TestCellDemo(t *testing.T) {
	if _, err := setup.Ensure(t.Context(), setup.ForRun, nil); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp("/tmp", "demo-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	t.Setenv(mainVariable, temp)
	t.Setenv("TMPDIR", temp)
	d := &cellDemo{self: os.Args[0]}
	say := func(args ...string) string {
		t.Helper()
		var out strings.Builder
		if err := d.run(t.Context(), args, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := say("stop"); got != "No demo runs.\n" {
		t.Error(got)
	}
	first := say()
	address := demoAddress.FindString(first)
	if address == "" || say() != first {
		t.Fatalf("the first cell says %q, the second something else", first)
	}
	page, token, _ := strings.Cut(address, "#")
	for _, c := range []struct {
		token string
		want  int
	}{{token, 200}, {"", 401}} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", page+"api/classes", strings.NewReader(`{"name":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Demo-Token", c.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("with the token %q: %d, want %d", c.token, response.StatusCode, c.want)
		}
	}
	if err := d.run(t.Context(), []string{"--base", "resnet18"}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "%demo stop") {
		t.Errorf("a second demo: %v", err)
	}
	if got := say("stop"); !strings.Contains(got, "has ended") {
		t.Error(got)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := d.run(t.Context(), []string{"--nonsense"}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a flag that is none: %v", err)
	}
	// It ends with whoever holds its stdin: the kernel.
	say()
	_ = d.stdin.Close()
	select {
	case <-d.group.Done():
	case <-time.After(10 * time.Second):
		t.Error("it does not end with the kernel")
		_ = d.group.Stop(0)
	}
}
