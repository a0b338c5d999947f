package grade

import (
	"strings"
	"testing"

	"transferlab/kernel/notebook"
)

// bookOf is a notebook of code cells.
func bookOf(cells ...string) *notebook.Notebook {
	book := &notebook.Notebook{}
	for _, source := range cells {
		book.Cells = append(book.Cells, &notebook.Cell{Kind: notebook.Code, Source: source})
	}
	return book
}

// What trains is left out, what declares or answers is taken, and all of it becomes one cell.
func TestJoin(t *testing.T) {
	book := bookOf(
		"import (\n\t\"fmt\"\n\tm \"math\"\n)\n\nvar side = 32",
		"%%\nfmt.Println(\"trains for an hour\")",
		"import \"fmt\"\nfunc twice(n int) int { return 2 * n }",
		"%%\ncheck.Answer(\"02/a\", twice(side))",
		"check.Predict(\"02/b\", m.Sqrt(4)) // no %% before it",
		"func thrice(n int) int { return 3 * n }\n%%\nfmt.Println(thrice(4), \"is tried out\")",
		" \n")
	book.Cells = append(book.Cells, &notebook.Cell{Kind: notebook.Markdown, Source: "check.Answer(\"02/c\", 1)"})
	list := pieces(book, false)
	if len(list) != 5 || list[2].number != 4 || strings.Contains(list[4].code, "tried out") {
		t.Fatalf("%+v", list)
	}
	joined, can := join(list)
	if !can {
		t.Fatal("cannot be joined")
	}
	for _, want := range []string{"\t\"fmt\"\n\tm \"math\"\n)\n", "var side = 32", "func twice", "func thrice", "%%\n", "check.Answer(\"02/a\", twice(side))", "m.Sqrt(4)"} {
		if strings.Count(joined, want) != 1 {
			t.Errorf("%q is not in once:\n%s", want, joined)
		}
	}
	if strings.Contains(joined, "an hour") || strings.Contains(joined, "tried out") || strings.Contains(joined, "02/c") {
		t.Errorf("too much is in:\n%s", joined)
	}
	if all := pieces(book, true); len(all) != 6 {
		t.Errorf("%d cells with all", len(all))
	}
}

// What GoNB alone can carry out, or what does not parse, runs cell by cell.
func TestWhatIsNotJoined(t *testing.T) {
	for _, source := range []string{
		"!ls\n%%\ncheck.Answer(\"02/a\", 1)",
		"%%bash\necho check.Answer",
		"func broken( {\n%%\ncheck.Answer(\"02/a\", 1)",
		"%%\n%%\ncheck.Answer(\"02/a\", 1)",
		"%limit memory=1GB\n%%\ncheck.Answer(\"02/a\", 1)",
	} {
		list := pieces(bookOf(source), false)
		if len(list) != 1 {
			t.Errorf("%q: %d pieces", source, len(list))
		}
		if joined, can := join(list); can {
			t.Errorf("%q became %q", source, joined)
		}
	}
}

func TestLessonsOf(t *testing.T) {
	book := bookOf("%%\ncheck.Ask(\"07/order\")", "check . Answer ( \"07/head\", 1)", "x := \"check.Answer(99/no)\"", "check.Answer(\"98/none\", 1)")
	if lessons := lessonsOf(book); len(lessons) != 1 || lessons[0] != "07" {
		t.Errorf("%q", lessons)
	}
}

// A roster goes by the path; what the notebook claims has no say.
func TestStudents(t *testing.T) {
	book := bookOf()
	book.Metadata = []byte(`{"transferlab": {"student": "ben"}}`)
	if name := studentOf(book); name != "ben" {
		t.Errorf("the notebook says %q", name)
	}
	if name, err := (&grader{}).enrolled("anna/02.ipynb"); name != "" || err != nil {
		t.Errorf("without a roster: %q, %v", name, err)
	}
	g := &grader{Options: Options{Students: []string{"anna", "ann", "ben", "Anna Bauer", "J\u00fcrgen", "Zoe", "Zo\u00eb", "Mu\u0308ller, \u00c5se"}}}
	for path, want := range map[string]string{
		"anna/02.ipynb": "anna", "in/ann_02.ipynb": "ann", "in/02-BEN.ipynb": "ben", "Anna Bauer/02.ipynb": "Anna Bauer",
		"in/hannah.ipynb": "", "ben/x/02.ipynb": "", "ben/Anna Bauer.ipynb": "ben", "in/ben and anna.ipynb": "",
		"Ju\u0308rgen/02.ipynb": "J\u00fcrgen", "in/Zoe\u0308.ipynb": "Zo\u00eb", "in/M\u00fcller, \u00c5se.ipynb": "Mu\u0308ller, \u00c5se",
	} {
		name, err := g.enrolled(path)
		if name != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", path, name, err, want)
		}
	}
}
