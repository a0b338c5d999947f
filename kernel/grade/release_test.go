package grade

import (
	"encoding/json"
	"strings"
	"testing"

	"transferlab/kernel/notebook"
)

func TestBlanked(t *testing.T) {
	for code, want := range map[string]string{
		`check.Answer("02/a", 224)`:                                   `check.Answer("02/a", nil)`,
		`check.Answer("02/a", f(1, 2)+g[3])`:                          `check.Answer("02/a", nil)`,
		`check.Answer("02/a", "n*(k, c)")`:                            `check.Answer("02/a", nil)`,
		"check.Answer(\"02/a\", `)`)":                                 `check.Answer("02/a", nil)`,
		`check.Answer("02/a", ')')`:                                   `check.Answer("02/a", nil)`,
		"check.Answer(\"02/a\", func(n int) int { // )\n return n })": `check.Answer("02/a", nil)`,
		`check.Answer("02/a", 1 /* ) */)`:                             `check.Answer("02/a", nil)`,
		"check.Answer(\"02/a\",\n\t224,\n)":                           "check.Answer(\"02/a\",\n\tnil,\n)",
		`check.Predict("07/b", 0.8); check.Reveal("07/b", measured)`:  `check.Predict("07/b", nil); check.Reveal("07/b", measured)`,
		`check.Answer("02/a", nil)`:                                   `check.Answer("02/a", nil)`,
		`check.Answer("02/a", 1); check.Answer("02/b", 2)`:            `check.Answer("02/a", nil); check.Answer("02/b", nil)`,
		`check.Answer("02/a", "unfinished`:                            `check.Answer("02/a", "unfinished`,
		`fmt.Println("check.Answer")`:                                 `fmt.Println("check.Answer")`,
	} {
		if got := blanked(code); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", code, got, want)
		}
	}
}

// A student's notebook has neither outputs nor answers, its ids, and the student in it; releasing it again changes only the student.
func TestRelease(t *testing.T) {
	book := &notebook.Notebook{Metadata: []byte(`{"kernelspec": {"name": "tlab"}}`), Cells: []*notebook.Cell{
		{ID: "title", Kind: notebook.Markdown, Source: "# Title"},
		{ID: "imports", Kind: notebook.Code, Source: "import (\n\t\"transferlab/lessons/check\"\n)"},
		{ID: "one", Kind: notebook.Code, Source: "%%\ncheck.Answer(\"02/a\", 224)", Count: 7, Outputs: []*notebook.Output{{Kind: notebook.Stream, Text: "right"}}},
	}}
	made, err := Release(book, `Zoë "Z" O'Hara`)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Cells) != 4 || made.Cells[2].Source != "// These exercises are for this student; leave the line as it is.\nvar student = check.Student(\"Zoë \\\"Z\\\" O'Hara\")" {
		t.Fatalf("%d cells, the third %q", len(made.Cells), made.Cells[2].Source)
	}
	if c := made.Cells[3]; c.ID != "one" || c.Count != 0 || len(c.Outputs) > 0 || !strings.Contains(c.Source, "nil") {
		t.Errorf("%+v", c)
	}
	if studentOf(made) != `Zoë "Z" O'Hara` || !strings.Contains(string(made.Metadata), "kernelspec") {
		t.Errorf("metadata %s", made.Metadata)
	}
	if book.Cells[2].Source != "%%\ncheck.Answer(\"02/a\", 224)" || len(book.Cells[2].Outputs) != 1 {
		t.Error("the notebook itself has changed")
	}
	again, err := Release(made, "Ben")
	if err != nil || len(again.Cells) != 4 || studentOf(again) != "Ben" || !strings.Contains(again.Cells[2].Source, `"Ben"`) {
		t.Errorf("again: %v, %+v", err, again)
	}
	plain, err := Release(made, "")
	if err != nil || len(plain.Cells) != 3 || studentOf(plain) != "" {
		t.Errorf("for nobody: %v, %+v", err, plain)
	}
	if _, err := Release(bookOf("fmt.Println()"), "Ben"); err == nil || !strings.Contains(err.Error(), "no exercises") {
		t.Errorf("without exercises: %v", err)
	}
	if data, err := made.Bytes(); err != nil || !json.Valid(data) {
		t.Errorf("%v", err)
	}
}
