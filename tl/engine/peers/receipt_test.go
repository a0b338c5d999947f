package peers

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("Keras", "a warning\n{\"keras\": \"3.15.1\", \"import_s\": 5.5, \"head_s\": 2, \"total_s\": 12.5, \"head_accuracy\": 0.843}\n\nbye\n")
	want := Receipt{Tool: "Keras", Import: 5.5, Head: 2, Total: 12.5, HeadAccuracy: 0.843}
	if err != nil || got != want {
		t.Errorf("parse = %+v, %v; want %+v", got, err, want)
	}
	for output, complaint := range map[string]string{
		"":                      "no JSON object",
		"Killed":                `"Killed"`,
		`{"head_s": 2}`:         "no total_s",
		`{"total_s": "twelve"}`: "cannot unmarshal",
	} {
		if _, err := parse("Keras", output); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("parse(%q): error %v, want one with %q", output, err, complaint)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := Table([]Receipt{
		{Tool: "this lab", Represent: 40, Head: 1, Tune: 60, Total: 110, Wall: 112, Processor: 200, HeadAccuracy: 0.84, TuneAccuracy: 0.87},
		{Tool: "PyTorch", Import: 2, Decode: 16.5, Head: 335.3, Tune: 197.4, Total: 550, Wall: 560, Processor: 1100, HeadAccuracy: 0.8399, TuneAccuracy: 0.834},
	})
	lines := strings.Split(got, "\n")
	if want := "| PyTorch | 2.0 | 16.5 | – | – | 335.3 | 197.4 | – | 550.0 | 560.0 | 1100.0 | 0.840 | 0.834 | 5.00 | 5.00 | 5.50 |"; lines[3] != want {
		t.Errorf("row\n%s\nwant\n%s", lines[3], want)
	}
	if a, b := strings.Count(lines[0], "|"), strings.Count(lines[1], "|"); a != b {
		t.Errorf("the head has %d bars, the rule %d", a, b)
	}
	for _, line := range lines[2:4] {
		if strings.Count(line, "|") != strings.Count(lines[0], "|") {
			t.Errorf("row %q does not fit the head", line)
		}
	}
}
