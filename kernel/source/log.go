package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Log keeps what GoNB learns from cells, so that a GoNB that was killed can be taught again. The zero Log is empty and ready; it is not safe for
// concurrent use.
type Log struct {
	known declarations
	state []Command // what set the environment, the folder, flags, tracked files and go.mod, in order
}

// Add takes in a cell that compiled: first its commands, as GoNB does, then its declarations.
func (l *Log) Add(c *Cell) {
	l.AddCommands(c)
	if c.kind != Go && c.kind != Test && c.kind != Wasm {
		return
	}
	a, _ := c.arranged()
	if learnt, ok := declared(a); ok {
		l.known.merge(learnt)
	}
}

// AddCommands takes in the commands alone of a cell that did not compile: GoNB carries them out before it compiles.
func (l *Log) AddCommands(c *Cell) {
	if c.kind == Script {
		return
	}
	for _, command := range c.commands {
		l.command(command)
	}
}

func (l *Log) command(c Command) {
	if c.Sign == '!' {
		if changesModule(c.Text) {
			l.replace(c, func(old Command) bool { return old.Sign == '!' && slices.Equal(old.Args, c.Args) })
		}
		return
	}
	if len(c.Args) == 0 {
		return
	}
	rest := c.Args[1:]
	switch c.Args[0] {
	case "env":
		if name := variable(rest); name != "" {
			l.replace(c, func(old Command) bool { return old.is("env") && variable(old.Args[1:]) == name })
		}
	case "goflags":
		if len(rest) > 0 {
			l.replace(c, func(old Command) bool { return old.is("goflags") })
		}
	case "autoget", "noautoget":
		l.replace(c, func(old Command) bool { return old.is("autoget") || old.is("noautoget") })
	case "goworkfix":
		l.replace(c, func(old Command) bool { return old.is("goworkfix") })
	case "cd":
		if len(rest) == 1 {
			l.cd(c)
		}
	case "track", "untrack":
		if len(rest) > 0 {
			l.replace(c, func(old Command) bool {
				return (old.is("track") || old.is("untrack")) && slices.Equal(old.Args[1:], rest)
			})
		}
	case "reset":
		if len(rest) == 0 {
			l.known = declarations{}
		}
		// Either form starts go.mod afresh.
		l.state = slices.DeleteFunc(l.state, func(old Command) bool { return old.Sign == '!' || old.is("goworkfix") })
	case "rm", "remove":
		for _, key := range rest {
			l.known.remove(key)
		}
	}
}

// replace puts a command last, in place of those that it makes void.
func (l *Log) replace(c Command, void func(Command) bool) {
	l.state = append(slices.DeleteFunc(l.state, void), c)
}

// cd forgets earlier folders where the new one does not start from them, and nothing in between did.
func (l *Log) cd(c Command) {
	relative := !strings.HasPrefix(c.Args[1], "/") && !strings.HasPrefix(c.Args[1], "~")
	tracked := slices.ContainsFunc(l.state, func(old Command) bool { return old.is("track") || old.is("untrack") })
	l.replace(c, func(old Command) bool { return !relative && !tracked && old.is("cd") })
}

// variable is the name that %env sets, "" where GoNB refuses it.
func variable(args []string) string {
	switch {
	case len(args) == 2:
		return args[0]
	case len(args) == 1 && strings.Index(args[0], "=") > 1: // as GoNB, which refuses names of one letter here
		return args[0][:strings.Index(args[0], "=")]
	}
	return ""
}

// changesModule reports whether a shell command runs in GoNB's own module and changes it: !*go get …. It is lost with GoNB's folder.
func changesModule(text string) bool {
	inside, is := strings.CutPrefix(text, "*")
	fields := strings.Fields(inside)
	return is && len(fields) > 2 && fields[0] == "go" && (fields[1] == "get" || fields[1] == "mod" || fields[1] == "work")
}

// Replay returns cells that teach a fresh GoNB the same, to be run in order and without a word: commands, and one cell with all
// declarations. Without anything to teach there are none. A command that may fail today has a cell of its own, since GoNB leaves out what
// follows a failed one.
func (l *Log) Replay() (cells []string) {
	var safe []string
	flush := func() {
		if len(safe) > 0 {
			cells = append(cells, strings.Join(safe, "\n"))
		}
		safe = nil
	}
	for _, c := range l.state {
		line := string(c.Sign) + c.Text
		if c.is("env") || c.is("goflags") || c.is("autoget") || c.is("noautoget") {
			safe = append(safe, line)
			continue
		}
		flush()
		cells = append(cells, line)
	}
	flush()
	if code := l.known.render(); code != "" {
		cells = append(cells, code)
	}
	return cells
}

// Valueless reports whether a call of that name, as in Prepared.Callee, is known to have no value: a cell declared such a function.
func (l *Log) Valueless(callee string) bool {
	f, known := l.known.funcs[callee]
	return known && !f.value
}

// render is one cell with all declarations.
func (d *declarations) render() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(d.imports)) {
		fmt.Fprintf(&b, "import %s\n", d.imports[key])
	}
	for _, key := range slices.Sorted(maps.Keys(d.types)) {
		fmt.Fprintf(&b, "type %s\n", d.types[key])
	}
	for _, key := range slices.Sorted(maps.Keys(d.consts)) {
		// As GoNB: a group is written where its first name stands, and with that name it is gone.
		if c := d.consts[key]; c.first {
			fmt.Fprintf(&b, "%s\n", c.group)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.vars)) {
		if v := d.vars[key]; v.keys[0] == key {
			fmt.Fprintf(&b, "var %s\n", v.text)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.funcs)) {
		fmt.Fprintf(&b, "%s\n", d.funcs[key].text)
	}
	return b.String()
}
