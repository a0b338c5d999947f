package diagnose

import (
	"fmt"
	"regexp"
	"strings"
)

// adviser says what to do about a complaint. It reads source only when a name is unknown, and then once.
type adviser struct {
	Context
	shelf *shelf
	given []given // what the cells give names to, read when first asked for
}

// given are the names of a cell.
type given struct {
	cell
	names
}

func (c Context) adviser() *adviser { return &adviser{Context: c} }

// rule is advice for one message of the compiler or the parser.
type rule struct {
	message *regexp.Regexp
	advise  func(a *adviser, c *complaint, m []string) string
}

// say is advice that needs no look at the cell.
func say(text string) func(*adviser, *complaint, []string) string {
	return func(*adviser, *complaint, []string) string { return text }
}

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

const convertHint = "Go converts numbers only when told to: float64(n), int(x)."

// rules are tried in order. The texts say what Go wants and how to satisfy it.
var rules = []rule{
	{re(`^undefined: (\w+)\.(\w+)`), (*adviser).unknownMember},
	{re(`^undefined: ([\pL_][\pL\pN_]*)$`), (*adviser).unknownName},
	{re(`^name (\w+) not exported by package (\w+)`), (*adviser).unexported},
	{re(`undefined \(type \*?(.+?) has no field or method (\w+)`), (*adviser).unknownField},
	{re(`^unknown field (\w+) in struct literal of type ([\w.]+)`), func(a *adviser, c *complaint, m []string) string {
		return a.unknownField(c, []string{m[0], m[2], m[1]})
	}},
	{re(`^declared and not used: (\S+)`), unusedVariable},
	{re(`^"([^"]+)" imported (?:as \S+ )?and not used`), unusedImport},
	{re(`^assignment mismatch: (\d+) variables? but (.+) returns? (\d+) values?`), mismatch},
	{re(`^multiple-value (.+) \(value of type \((.+)\)\) in single-value context`), multiValue},
	{re(`^(.+) \(no value\) used as value`), func(_ *adviser, _ *complaint, m []string) string {
		return clip(m[1], 60) + " returns nothing, so nothing can be done with its result: call it on a line of its own."
	}},
	{re(`^(.+) \((?:.*)\) is not used$`), func(_ *adviser, _ *complaint, m []string) string {
		return fmt.Sprintf("Only the last expression of a cell is shown. To see this one: fmt.Println(%s)", clip(m[1], 60))
	}},
	{re(`^no new variables on left side of :=`), say("The variables exist already: assign with = instead of :=")},
	{re(`^main redeclared`), say("A cell has one main: either func main or a line %%, which begins one.")},
	{re(`redeclared`), say("Two things in this cell have one name: rename one of them. (A later cell may declare a name anew; it replaces the old one.)")},
	{re(`^missing return`), say("Every way through a function with a result must end in return, or in panic.")},
	{re(`mismatched types .*string`), say("fmt.Sprint(x) makes text of anything; strconv.Atoi and ParseFloat make numbers of text.")},
	{re(`mismatched types`), say(convertHint)},
	{re(`^cannot use .* \((?:variable|value|constant)[^)]* of type (?:u?int\d*|float\d+)\) as ((?:u?int\d*)|float\d+) value`),
		say(convertHint)},
	{re(`has pointer receiver\)`), say("The method belongs to the pointer: hand over the address, with &.")},
	{re(`^cannot use nil as`), say("Only pointers, slices, maps, channels, functions and interfaces can be nil; leave the value out to get zero.")},
	{re(`^too many return values`), bodyReturn},
	{re(`could not determine what C\.`), say("GoNB drops the C code in the comment above import \"C\", so cells cannot call C. A package of your own in a folder of the workspace can.")},
	{re(`^expected declaration, found '\}'`), say("This } closes nothing: there is one more than there are {.")},
	{re(`^expected declaration, found`), say("Only import, const, type, var and func may stand here; other statements belong below a line with %% alone.")},
	{re(`^expected '\(', found (\w+)`), func(_ *adviser, c *complaint, m []string) string {
		if strings.HasPrefix(strings.TrimSpace(c.composed), "func") {
			return "A function with a name cannot stand among statements: declare it above them, or write " + m[1] + " := func(…) {…}"
		}
		return ""
	}},
	{re(`^expected statement, found 'import'`), say("import stands at the top of the cell, with the other declarations.")},
	{re(`expected '[})\]]', found 'EOF'|expected '\}'`), (*adviser).unclosed},
	{re(`^missing ',' before newline`), (*adviser).missingComma},
	{re(`^expected '\{', found newline|unexpected newline, expected \{|unexpected semicolon or newline before \{`),
		say("The { stands at the end of the line, not on the next.")},
	{re(`^raw string literal not terminated`), say("The ` that ends the text is missing.")},
	{re(`literal not terminated`), say("The quotation mark that ends the text is missing on this line. Text of several lines stands between ` and `.")},
	{re(`^expected boolean expression, found assignment`), say("= and := assign; == compares.")},
	{re(`^expected ';', found`), wrongStatement},
	{re(`must be function call`), say("Write the call, with ( ) at the end: go f(), defer f(), go func() {…}().")},
}

// advise returns what to do about c, "" if the message says it all.
func (a *adviser) advise(c *complaint) string {
	m := c.message()
	if path := importPath(m); path != "" {
		return a.trouble(m, path)
	}
	for _, r := range rules {
		if parts := r.message.FindStringSubmatch(m); parts != nil {
			hint := r.advise(a, c, parts)
			return strings.TrimSpace(hint + a.brokenLater(c, hint))
		}
	}
	return a.brokenLater(c, "")
}

// brokenLater explains why a cell that compiled once does not any more.
func (a *adviser) brokenLater(c *complaint, hint string) string {
	if !c.place.known() || c.place.cell.id == a.Current || unusedDot(c) {
		return ""
	}
	now, ok := a.cell(a.Current)
	if !ok {
		return ""
	}
	key := c.place.cell.keyAt(c.place.line)
	if key == "" {
		key = "NAME"
	}
	text := fmt.Sprintf("Declarations of earlier cells are compiled again with each cell, and cell [%d] does not go with those of cell [%d]: "+
		"change that one and run both, or forget what it declares here with %%rm %s", now.count, c.place.cell.count, key)
	if hint != "" {
		text = "\n" + text
	}
	return text
}

func unusedVariable(_ *adviser, _ *complaint, m []string) string {
	if m[1] == "err" {
		return "Go wants errors looked at: if err != nil { … }; or _ instead of err to leave it out."
	}
	return fmt.Sprintf("Go does not compile a variable that nothing reads: use it, delete it, or write _ = %s while you try things.", m[1])
}

func unusedDot(c *complaint) bool {
	return strings.Contains(c.message(), "imported and not used") && strings.HasPrefix(strings.TrimSpace(c.composed), ".")
}

func unusedImport(a *adviser, c *complaint, m []string) string {
	if !unusedDot(c) {
		return ""
	}
	hint := "Imports that are not used are left out by themselves, but not those with a dot: they stay, and each cell must use them. " +
		"To have that once and for all, declare something with one of its names above the statements:\n\tvar _ "
	if strings.HasSuffix(m[1], "/graph") {
		hint += "*Node"
	} else {
		hint += "= NAME"
	}
	if c.place.known() && c.place.cell.id != a.Current {
		hint += "\n  or forget the import:\n\t%rm .~" + m[1]
	}
	return hint
}

func mismatch(_ *adviser, _ *complaint, m []string) string {
	if m[1] == "1" && m[3] == "2" {
		return fmt.Sprintf("The second value is mostly an error: x, err := %s(…); or tl.Must(%[1]s(…)), which panics on an error and returns the first.", clip(m[2], 50))
	}
	return "Name every value on the left; _ drops one."
}

func multiValue(_ *adviser, _ *complaint, m []string) string {
	if strings.HasSuffix(m[2], ", error") && strings.Count(m[2], ",") == 1 {
		return fmt.Sprintf("It returns an error too. Take both, x, err := %s, or write tl.Must(%[1]s), which panics on an error and returns the first.", clip(m[1], 60))
	}
	return "It returns several values: take them apart first, as in a, b := f()."
}

func bodyReturn(_ *adviser, c *complaint, _ []string) string {
	for _, line := range c.lines {
		if strings.TrimSpace(line) == "want ()" {
			return "The function has no result; a cell's body has none either: end it with the expression itself, or print it."
		}
	}
	return ""
}

// wrongStatement helps those who come from other languages.
func wrongStatement(_ *adviser, c *complaint, _ []string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(c.composed), " ")
	switch first {
	case "while":
		return "Go's only loop is for: for condition { … }, for { … }, for i := range 10 { … }."
	case "def", "fn", "function":
		return "A function begins with func: func name(x int) int { … }"
	case "let":
		return "A variable begins with := or var: x := 1"
	case "class":
		return "A type is declared with type: type Name struct { … }"
	}
	return ""
}
