package diagnose

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// complaint is one thing that goimports, go build or go get is unhappy with.
type complaint struct {
	place    place
	composed string // the line of the program that GoNB composed, as the compiler saw it
	column   int    // in composed, in bytes, from 0; -1 is unknown
	located  bool   // it has a line of the program, the user's or not
	lines    []string
	also     *place // where the other of two declarations stands
}

func (c *complaint) message() string { return c.lines[0] }

var (
	position  = regexp.MustCompile(`^(\s*)(?:[^\s:]*/)?main(?:_test)?\.go:(\d+)(?::(\d+))?: (.+)$`)
	cellMark  = regexp.MustCompile(`^Cell(?:\[(\d+)\]:)? Line (\d+)$`)
	moreLater = regexp.MustCompile(` \(and (\d+) more errors?\)$`)
	inText    = regexp.MustCompile(` at (?:\S*/)?main(?:_test)?\.go:\d+(?::\d+)?`)
)

// found is what a reply of GoNB says in all.
type found struct {
	complaints []*complaint
	loose      []string // lines that belong to no place
	more       int      // errors that were not told
}

// Build explains what goimports, go build, go vet or go get said: evalue and traceback of GoNB's error reply. It also explains what GoNB
// itself refuses, as a special command that failed.
func (c Context) Build(evalue string, traceback []string) Failure {
	f := c.find(evalue, traceback)
	if len(f.complaints) == 0 {
		return c.unlocated(f, plain(evalue))
	}
	a := c.adviser()
	name := nameOf(f.complaints)
	total := len(f.complaints) + f.more
	value := f.complaints[0].summary()
	if total > 1 {
		value += fmt.Sprintf(" (and %s)", count(total-1, "more error", "more errors"))
	}
	head := value
	if total > 1 {
		head = count(total, "error", "errors")
	} else if f.complaints[0].place.known() {
		head = oneLine(f.complaints[0].message())
	}
	out := []string{headline(name, head)}
	told := map[string]bool{}
	for _, group := range groups(f.complaints) {
		out = append(out, "")
		out = append(out, c.section(group)...)
		for _, one := range group {
			if hint := a.advise(one); hint != "" && !told[hint] {
				told[hint] = true
				out = append(out, hintLines(hint)...)
			}
		}
	}
	if f.more > 0 {
		out = append(out, "", paint(faint, "… and "+count(f.more, "more error", "more errors")))
	}
	return Failure{name, value, out}
}

// find takes a reply apart. GoNB gives one entry of traceback for each line of evalue, and knows the cell of most.
func (c Context) find(evalue string, traceback []string) (f found) {
	lines := strings.Split(evalue, "\n")
	for i, line := range lines {
		entry := ""
		if len(traceback) == len(lines) {
			entry = traceback[i]
		}
		line = strings.TrimRight(plain(line), " \r")
		m := position.FindStringSubmatch(line)
		last := len(f.complaints) - 1
		switch {
		case m == nil && last >= 0 && strings.HasPrefix(line, "\t") && len(f.complaints[last].lines) < maxMessage:
			f.complaints[last].lines = append(f.complaints[last].lines, c.hide(line))
		case m == nil:
			if line != "" && !strings.HasPrefix(line, "# gonb_") && !strings.HasPrefix(line, "package gonb_") {
				f.loose = append(f.loose, line)
			}
		case m[4] == "too many errors":
			f.more++
		default:
			one := c.complaint(m, entry)
			if more := moreLater.FindStringSubmatch(one.lines[0]); more != nil {
				n, _ := strconv.Atoi(more[1])
				f.more += min(n, 1000)
				one.lines[0] = strings.TrimSuffix(one.lines[0], more[0])
			}
			if last >= 0 && m[1] != "" && strings.HasPrefix(m[4], "other declaration of") {
				f.complaints[last].also = &one.place
				f.complaints[last].lines = append(f.complaints[last].lines, "\t"+one.lines[0]+": "+one.place.title())
				continue
			}
			f.complaints = append(f.complaints, one)
		}
	}
	return f
}

// complaint reads one line of evalue (its submatches of position) with its entry of the traceback: perhaps the cell, then lines of the
// composed program, three of them before the one that is meant.
func (c Context) complaint(m []string, entry string) *complaint {
	one := &complaint{place: place{line: -1, column: -1}, column: -1, located: true, lines: []string{c.hide(inText.ReplaceAllString(m[4], ""))}}
	number, _ := strconv.Atoi(m[2])
	if at, err := strconv.Atoi(m[3]); err == nil {
		one.column = at - 1
	}
	context := strings.Split(escapes.ReplaceAllString(entry, ""), "\n")
	if mark := cellMark.FindStringSubmatch(context[0]); mark != nil {
		context = context[1:]
		id, err := strconv.Atoi(mark[1])
		if err != nil {
			id = -1
		}
		line, _ := strconv.Atoi(mark[2])
		one.place, _ = c.at(id, line-1)
	}
	if at := number - 1 - max(0, number-1-contextLines); at >= 0 && at < len(context) {
		one.composed = context[at]
	}
	if one.place.known() {
		one.place.column = column(one.composed, one.column, one.place.text())
	}
	return one
}

// contextLines is how many lines GoNB shows before the one that is meant.
const contextLines = 3

// summary is a complaint in one line.
func (c *complaint) summary() string {
	if !c.place.known() {
		return oneLine(c.message())
	}
	return oneLine(c.place.title() + ": " + c.message())
}

// groups joins complaints about the same line.
func groups(all []*complaint) (out [][]*complaint) {
	for _, one := range all {
		if n := len(out) - 1; n >= 0 && one.place.known() {
			if prior := out[n][0].place; prior.known() && prior.cell.id == one.place.cell.id && prior.line == one.place.line {
				out[n] = append(out[n], one)
				continue
			}
		}
		out = append(out, []*complaint{one})
	}
	return out
}

// section shows complaints about one line.
func (c Context) section(group []*complaint) (out []string) {
	first := group[0]
	switch {
	case first.place.known():
		title := "in " + first.place.title()
		if first.place.cell.id != c.Current {
			title += ", which ran before"
		}
		out = append(out, paint(green, title))
		var columns []int
		for _, one := range group {
			columns = append(columns, one.place.column)
		}
		out = append(out, first.place.excerpt(columns)...)
	case first.composed != "" && strings.TrimSpace(first.composed) != "}":
		text, _ := widen(first.composed)
		out = append(out, paint(green, "in a line that the kernel adds")+": "+clip(strings.TrimSpace(text), maxWidth))
	}
	for _, one := range group {
		for i, line := range bounded(one.lines, maxMessage) {
			if i == 0 {
				line = paint(red, line)
			} else {
				line, _ = widen(line)
			}
			out = append(out, line)
		}
	}
	return out
}

// hintLines shows what to do. A hint may have several lines; those that begin with a tab are code.
func hintLines(hint string) (out []string) {
	for i, line := range strings.Split(hint, "\n") {
		switch {
		case i == 0:
			line = paint(blue, "→ ") + line
		case strings.HasPrefix(line, "\t"):
			line = "      " + paint(blue, line[1:])
		default:
			line = "  " + line
		}
		out = append(out, line)
	}
	return out
}

// nameOf classifies what is wrong by the first complaint.
func nameOf(all []*complaint) string {
	switch m := all[0].message(); {
	case importTrouble(m):
		return "ImportError"
	case syntaxTrouble.MatchString(m):
		return "SyntaxError"
	}
	return "CompileError"
}

// syntaxTrouble are the words of Go's scanner and parser. The compiler, when it comes to it, says "syntax error" itself.
var syntaxTrouble = regexp.MustCompile(`^(expected |missing ('|,|condition|return type)|syntax error|.*literal not terminated|illegal |` +
	`comment not terminated|unexpected |expression in (go|defer) must|invalid (BOM|digit|character)|cannot use .* as value$|` +
	`.* must be in block|method has multiple receivers|unknown escape)`)

// count is n with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
