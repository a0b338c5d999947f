package latency

import (
	"fmt"
	"strings"
	"testing"

	"transferlab/kernel/setup"
)

// TestFigureCell: a cell that links no gonbui shows its figure through the real kernel, in its place among what the cell prints.
func TestFigureCell(t *testing.T) {
	place := newBench(t, setup.ForRun)
	s := start(t, place.ours())
	if _, _, err := run(t.Context(), s, figureImports, ""); err != nil {
		t.Fatal(err)
	}
	_, out, err := run(t.Context(), s, `%%
fmt.Println("before")
plots.Show(plots.Parameters(tl.Must(tl.Load("efficientnet_lite0").Summary(context.Background()))))
fmt.Println("after")
plots.Clear(false)
fmt.Println("cleared")`, "")
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"before", "<img alt=", "after", "clear_output", "cleared"} {
		i := strings.Index(out, want)
		if i < at || i < 0 {
			t.Fatalf("%q is not where it should be in %.2000q", want, out)
		}
		at = i
	}
	// A figure without data ends the cell, though the cell does not look at the error.
	if _, _, err := run(t.Context(), s, "import \"transferlab/plots\"\n%%\nplots.Show(plots.Curves())", ""); err == nil || !strings.Contains(err.Error(), "no finished epoch") {
		t.Errorf("an empty figure: %v", err)
	}
	// GoNB's own way stays open, in the same cell too.
	_, out, err = run(t.Context(), s, `import "github.com/janpfeifer/gonb/gonbui"
%%
gonbui.DisplayHtml("<b>of gonbui</b>")
plots.Show(plots.Parameters(tl.Must(tl.Load("efficientnet_lite0").Summary(context.Background()))))
gonbui.DisplayHtml("<b>again</b>")`, "<b>of gonbui</b>")
	if err != nil || !strings.Contains(out, "<img alt=") || !strings.Contains(out, "again") {
		t.Errorf("beside gonbui: %.2000q, %v", out, err)
	}
}

// TestFiguresKeepTheirOrder: text takes another way than what package plots sends, and yet stands before it.
func TestFiguresKeepTheirOrder(t *testing.T) {
	s := start(t, newBench(t, setup.ForRun).ours())
	const lines = 100
	_, out, err := run(t.Context(), s, fmt.Sprintf("import \"transferlab/plots\"\n%%%%\nfor i := range %d { fmt.Println(\"line\", i); plots.Clear(false) }", lines), "")
	if err != nil {
		t.Fatal(err)
	}
	misplaced := 0
	parts := strings.Split(out, "clear_output")
	for i := range lines {
		if i >= len(parts) || !strings.Contains(parts[i], fmt.Sprintf("line %d\n", i)) {
			misplaced++
		}
	}
	if len(parts) != lines+1 || misplaced > lines/50 { // by gonbui's way it is 85 of 100 on a busy machine
		t.Errorf("%d of %d lines are misplaced among %d messages", misplaced, lines, len(parts)-1)
	}
}
