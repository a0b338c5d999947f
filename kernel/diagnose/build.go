package diagnose

import (
	"fmt"
	"regexp"
	"slices"
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
	unsaid     string   // about errors that were not told
}

// Build explains what goimports, go build, go vet or go get said: evalue and traceback of GoNB's error reply. It also explains what GoNB
// itself refuses, as a special command that failed.
func (c Context) Build(evalue string, traceback []string) Failure {
	c.looked = map[int]cell{}
	f := c.find(evalue, traceback)
	if len(f.complaints) == 0 {
		return c.unlocated(f, plain(evalue))
	}
	a := c.adviser()
	for _, one := range f.complaints {
		a.locate(one)
	}
	name, value := nameOf(f.complaints), f.complaints[0].summary()
	head := oneLine(f.complaints[0].message())
	if n := len(f.complaints); n > 1 {
		value += fmt.Sprintf(" (and %s)", count(n-1, "more error", "more errors"))
		head = count(n, "error", "errors")
	}
	out := []string{headline(name, head)}
	told := map[string]bool{head: true}
	for _, group := range groups(f.complaints) {
		out = append(out, "")
		out = append(out, c.where(group)...)
		for _, one := range group {
			out = append(out, one.text(told)...)
			if hint := a.advise(one); hint != "" && !told[hint] {
				told[hint] = true
				out = append(out, hintLines(hint)...)
			}
		}
	}
	if f.unsaid != "" {
		out = append(out, "", paint(faint, f.unsaid))
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
		case m == nil && strings.HasPrefix(line, "\tgo get "): // for us it is another command
		case m == nil && last >= 0 && strings.HasPrefix(line, "\t") && len(f.complaints[last].lines) < maxMessage:
			f.complaints[last].lines = append(f.complaints[last].lines, c.hide(line))
		case m == nil:
			if line != "" && !strings.HasPrefix(line, "# gonb_") && !strings.HasPrefix(line, "package gonb_") {
				f.loose = append(f.loose, line)
			}
		case m[4] == "too many errors":
			f.unsaid = "… and more that the compiler does not list"
		case len(f.complaints) == maxComplaints:
			f.unsaid = "… and more"
		default:
			one := c.complaint(m, entry)
			if more := moreLater.FindStringSubmatch(one.lines[0]); more != nil {
				f.unsaid = "… and " + more[1] + " more, which may well follow from this one"
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
	f.complaints = withoutEcho(f.complaints, evalue)
	return f
}

// withoutEcho drops the complaint about a last expression that is not used, if the kernel compiled the cell without showing that because
// of something else.
func withoutEcho(all []*complaint, evalue string) []*complaint {
	if !NeedsPlain(evalue) {
		return all
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(one *complaint) bool {
		return strings.HasSuffix(one.message(), "is not used") && one.place.known() &&
			strings.TrimSpace(strings.Join(one.place.cell.lines[one.place.line+1:], "")) == ""
	})
	if len(kept) == 0 {
		return all
	}
	return kept
}

// complaint reads one line of evalue (its submatches of position) with its entry of the traceback: perhaps the cell, then lines of the
// composed program, three of them before the one that is meant.
func (c Context) complaint(m []string, entry string) *complaint {
	one := &complaint{place: place{line: -1, column: -1}, column: -1, located: true, lines: []string{reword(c.hide(inText.ReplaceAllString(m[4], "")))}}
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

// maxComplaints is more than the compiler lists.
const maxComplaints = 20

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

// where shows the line that complaints are about.
func (c Context) where(group []*complaint) (out []string) {
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
	return out
}

// text is what the compiler says; a first line that was told already is left out.
func (c *complaint) text(told map[string]bool) (out []string) {
	for i, line := range bounded(c.lines, maxMessage) {
		switch {
		case i > 0:
			line, _ = widen(line)
		case told[oneLine(line)]:
			continue
		default:
			line = paint(red, line)
		}
		out = append(out, line)
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
