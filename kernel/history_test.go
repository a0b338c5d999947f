package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.jsonl")
	h := openHistory(file, t.Logf)
	for i, code := range []string{"a := 1", "b/c", "a := 1", "x[1]"} {
		h.add(i+1, code)
	}
	h.result("7")
	if err := os.WriteFile(file, append(must(os.ReadFile(file)), `{"session": 1, "line": 5, "inp`...), 0o600); err != nil {
		t.Fatal(err)
	}
	h = openHistory(file, t.Logf)
	h.add(1, "later")
	two := 2
	for _, c := range []struct {
		asked historyRequest
		want  string
	}{
		{historyRequest{Access: "tail", N: 2}, "1/4:x[1] 2/1:later"},
		{historyRequest{Access: "range", Session: 1, Start: 1, Stop: &two}, "1/1:a := 1"},
		{historyRequest{Access: "range", Session: -1, Start: 3}, "1/3:a := 1 1/4:x[1]"},
		{historyRequest{Access: "range"}, "2/1:later"},
		{historyRequest{Access: "search", Pattern: "a*"}, "1/1:a := 1 1/3:a := 1"},
		{historyRequest{Access: "search", Pattern: "a*", Unique: true}, "1/3:a := 1"},
		{historyRequest{Access: "search", Pattern: "*/?"}, "1/2:b/c"},
		{historyRequest{Access: "search", Pattern: "x[*"}, "1/4:x[1]"},
		{historyRequest{Access: "search", Pattern: "*", N: 1}, "2/1:later"},
		{historyRequest{Access: "nonsense"}, ""},
	} {
		var got []string
		for _, e := range h.find(c.asked) {
			got = append(got, fmt.Sprintf("%d/%d:%s", e.Session, e.Line, e.Input))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, want %q", c.asked, got, c.want)
		}
	}
	if openHistory(filepath.Join(t.TempDir(), "no", "file"), t.Logf).session != 1 {
		t.Error("a first session is not 1")
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
