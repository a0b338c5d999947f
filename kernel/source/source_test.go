package source

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	for code, want := range map[string]Kind{
		"":                  Empty,
		"\n \n":             Empty,
		"// only words":     Empty,
		"%noautoget":        Empty,
		"!ls":               Empty,
		"%%":                Empty,
		"%% -flag\n\n":      Empty,
		"package main":      Empty, // composer.go drops the line
		"//gonb:%env A b\n": Empty,
		"x := 1":            Go,
		"%%\nx()":           Go,
		"%exec f":           Go,
		"/* a */ var x = 1": Go,
		"%\nx":              Go, // one character is no command: specialcmd.go asks for len(line) > 1
		"%test":             Test,
		"func TestA(t *testing.T) {}\n%test -test.v": Test,
		"% test":                     Test, // specialcmd.go skips white space behind the sign
		"%wasm\n%%\nx()":             Wasm,
		"%%bash\nls":                 Script,
		" %%sh":                      Script, // cellmagic.go splits the first line into words
		"//gonb:%%writefile a.go\nx": Script,
		"%%script python3\nprint(1)": Script,
		"%%gx\nfunc":                 Script,
		"\n%%bash":                   Empty, // only the first line makes a script
		"%%bashful\nf()":             Go,
	} {
		if got := Parse(code).Kind(); got != want {
			t.Errorf("%q is %v, want %v", code, got, want)
		}
	}
}

func TestCommands(t *testing.T) {
	code := strings.Join([]string{
		"import \"fmt\"",
		"!echo a \\",
		"//gonb:  b \\",
		"c",
		"//gonb:%env  NAME \"two words\"",
		" %not at the start of the line",
		"%% --text \"hello world\" \"\" \"q\\\"\\n\"",
		"fmt.Println(1)",
		"% main x",
	}, "\n")
	c := Parse(code)
	want := []Command{
		{1, 3, '!', "echo a    b  c", []string{"echo", "a", "b", "c"}},
		{4, 1, '%', "env  NAME \"two words\"", []string{"env", "NAME", "two words"}},
		{6, 1, '%', "% --text \"hello world\" \"\" \"q\\\"\\n\"", []string{"%", "--text", "hello world", "", "q\"\n"}},
		{8, 1, '%', "main x", []string{"main", "x"}},
	}
	if got := c.Commands(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	without := strings.Split(c.Without(want[0], want[3]), "\n")
	for i, line := range strings.Split(code, "\n") {
		gone := i >= 1 && i <= 3 || i == 8
		if gone && without[i] != "" || !gone && without[i] != line {
			t.Errorf("line %d is %q", i, without[i])
		}
	}
}

// The table of GoNB's own TestSplitCmd (specialcmd_test.go), and words that are not ASCII.
func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		`%args --text "hello world"`: {"%args", "--text", "hello world"},
		`"a"b`:                       {"ab"},
		`a\b "a\\b" "\t"`:            {`a\b`, `a\b`, "\t"},
		`"open `:                     {"open "},
		`"odd \`:                     {"odd "},
		"größe 中":                    {"größe", "中"},
		"  ":                         nil,
	} {
		if got := words(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFaults(t *testing.T) {
	for code, part := range map[string]string{
		"%% \n%main\nx()":    "line 2: a second %main",
		"%%\nx()\n%exec f":   "line 3: a second %exec",
		"% ":                 "line 1: % without a command",
		"x()\n!\t":           "line 2: ! without a command",
		"%\\":                "without a command",
		"%%script":           "names no program",
		"%%":                 "",
		"%%script bash\n%%":  "",
		"%%bash\n% \n%%\n%%": "",
		"x := 3\n%\ny":       "",
	} {
		err := Parse(code).Fault()
		if part == "" && err != nil || part != "" && (err == nil || !strings.Contains(err.Error(), part)) {
			t.Errorf("%q: %v, want %q", code, err, part)
		}
	}
}

// Windows ends lines with \r\n: "%%\r" opens no body in GoNB.
func TestLineEnds(t *testing.T) {
	p := Parse("%%\r\nx := 1\r\nx").Prepare()
	if strings.Contains(p.Code, "\r") || !p.Result {
		t.Errorf("%q", p.Code)
	}
}
