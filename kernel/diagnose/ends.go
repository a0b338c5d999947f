package diagnose

import (
	"regexp"
	"slices"
	"strings"
)

// crashHint is what to do about a message of the runtime.
type crashHint struct {
	message *regexp.Regexp
	hint    string
}

var crashHints = []crashHint{
	{re(`^runtime error: index out of range \[-`), "An index is at least 0; Go has no negative ones that count from the end: x[len(x)-1] is the last."},
	{re(`^runtime error: index out of range \[\d+\] with length 0`), "The slice is empty: nothing was put into it, or it was made with length 0."},
	{re(`^runtime error: index out of range`), "Indices go from 0 to the length minus 1: for i := range x visits them all."},
	{re(`^runtime error: slice bounds out of range`), "In x[a:b], a may be at most b, and b at most the length."},
	{re(`^assignment to entry in nil map`), "A map must be made before something is put into it: m := map[string]int{} or make(map[string]int)."},
	{re(`nil pointer dereference`), "A pointer, interface or function was used that is nil: often the error beside it was not looked at."},
	{re(`^runtime error: integer divide by zero`), "Check the divisor; floats give Inf or NaN instead."},
	{re(`^interface conversion:`), "v, ok := x.(T) asks without panicking; ok is false when x holds something else."},
	{re(`makeslice: (len|cap) out of range`), "make was asked for a negative or an impossibly large length."},
	{re(`close of closed channel`), "Close a channel once, by the goroutine that sends."},
	{re(`send on closed channel`), "Close a channel when nobody sends any more: after the senders' WaitGroup."},
	{re(`^\([\w.*\[\]]+\) `), "A panic shows the value of strings, numbers and errors only: panic(fmt.Sprintf(\"%+v\", v))."},
	{re(`all goroutines are asleep|no goroutines`), "Everything that runs waits for something that nobody will do: a channel without another end, a WaitGroup without Done, a lock taken twice."},
	{re(`concurrent map`), "Two goroutines used a map at once. Guard it with a sync.Mutex, or let one goroutine own it."},
	{re(`^stack overflow`), "A function calls itself without end."},
	{re(`remote: the engine ended`), "The engine is a process of its own and is started again by itself: run the cell again. Models are as of their last finished epoch."},
	{re(`out of memory|cannot allocate memory`), "The memory that the cell may use was not enough: keep less at a time, or raise the limit: %limit memory=8GB"},
	{re(`unlock of unlocked|negative WaitGroup counter|unlock of unlocked RWMutex`), "Each Unlock or Done needs its own Lock or Add before."},
	{re(`unexpected signal during runtime execution|unexpected fault address`), "Memory was used that is not there: by unsafe code, by C, or by a file that shrank while it was mapped."},
	{re(`failed to create new OS thread`), "The system allows no more threads: start fewer goroutines that block in system calls or C."},
}

// signalHints are about programs ended by a signal, by the runtime's or the system's name for it.
var signalHints = map[string]string{
	"SIGSEGV": "C code, or a library, used memory that is not there. The kernel and the engine go on.",
	"SIGBUS":  "C code, or a library, used memory that is not there; or a file shrank while it was mapped.",
	"SIGABRT": "The program was told to abort, mostly by a check in C code: what that printed stands above.",
	"SIGFPE":  "C code divided by zero.",
	"SIGILL":  "A library needs a processor with other instructions than this one has.",
	"SIGQUIT": "The program was told to quit and to say what it was doing.",
}

// hint is what to do about the report.
func (r report) hint(message string) string {
	if r.kind == "panic" || r.kind == "fatal error" {
		if r.cgo {
			return signalHints["SIGSEGV"]
		}
		for _, h := range crashHints {
			if h.message.MatchString(message) {
				return h.hint + r.initial()
			}
		}
		return strings.TrimSpace(r.initial())
	}
	return signalHints[r.kind]
}

// initial explains a program that did not get to the cell: GoNB computes the variables of all cells anew in each.
func (r report) initial() string {
	if len(r.goroutines) == 0 {
		return ""
	}
	users := slices.DeleteFunc(slices.Clone(r.goroutines[0].frames), func(f frame) bool { return !composed.MatchString(f.file) })
	if len(users) == 0 {
		return ""
	}
	outermost := users[len(users)-1].function
	if _, name, _ := strings.Cut(outermost, "."); name != "init" && !strings.HasPrefix(name, "init.") {
		return ""
	}
	return "\nIt happened while a variable of the notebook got its value, which each cell does anew: until that is changed, or forgotten with %rm NAME, every cell fails here."
}

// end is how a program ended that said nothing as it ended.
type end struct {
	how               *regexp.Regexp
	name, value, hint string // value "" repeats how
}

var ends = []end{
	{re(`^signal: interrupt`), "Interrupt", "the cell was stopped", ""},
	{re(`^signal: killed`), "Killed", "the cell's program was killed (signal: killed)",
		"Mostly the system does that when memory runs out: keep less at a time. kill -9 looks the same. The kernel and the engine go on."},
	{re(`^signal: terminated|^signal: hangup`), "Terminated", "", "Something told the cell's program to end: kill, or the system as it shuts down."},
	{re(`^signal: segmentation fault`), "SIGSEGV", "segmentation fault", signalHints["SIGSEGV"]},
	{re(`^signal: bus error`), "SIGBUS", "bus error", signalHints["SIGBUS"]},
	{re(`^signal: aborted`), "SIGABRT", "aborted", signalHints["SIGABRT"]},
	{re(`^signal: illegal instruction`), "SIGILL", "illegal instruction", signalHints["SIGILL"]},
	{re(`^signal: floating point exception`), "SIGFPE", "floating point exception", signalHints["SIGFPE"]},
	{re(`^signal: CPU time limit exceeded`), "Killed", "the cell used up its processor time", ""},
	{re(`^signal: file size limit exceeded`), "Killed", "the cell wrote a file beyond the limit on file sizes", ""},
	{re(`^signal: quit`), "SIGQUIT", "quit", signalHints["SIGQUIT"]},
	{re(`^signal: broken pipe`), "SIGPIPE", "broken pipe", "The program wrote where nobody reads any more."},
	{re(`^signal:`), "Killed", "", ""},
	{re(`^exit status 1$`), "ExitError", "", "A program that ends itself, with os.Exit(1) or log.Fatal, ends so: what it said stands above."},
	{re(`^exit status 2$`), "ExitError", "", "os.Exit(2) ends so, and flags behind %% that the program does not know: what it said stands above."},
	{re(`^exit status 66$`), "ExitError", "", "The race detector ends so when it found data races: what it said stands above."},
	{re(`^exit status 137$`), "Killed", "", "A program that it started was killed, mostly because memory ran out."},
	{re(`^exit status \d+$`), "ExitError", "", "The program ended itself, with os.Exit."},
}

// ended explains a program that ended without a word of the runtime. stderr is what it printed that looked like one.
func (c Context) ended(stderr, how string) Failure {
	f := Failure{Name: "Error", Value: oneLine(c.hide(how))}
	hint := ""
	for _, e := range ends {
		if e.how.MatchString(how) {
			f.Name, hint = e.name, e.hint
			if e.value != "" {
				f.Value = e.value
			}
			break
		}
	}
	if f.Value == "" {
		f.Value = "the cell failed; GoNB gives no reason"
	}
	exit, leaves := c.exit(f.Name)
	if leaves.known() {
		hint = ""
	} else if exit != "" {
		hint = exit
	}
	f.Traceback = []string{headline(f.Name, f.Value)}
	if words := strings.TrimSpace(plain(stderr)); words != "" {
		for _, line := range bounded(strings.Split(c.hide(words), "\n"), maxMessage) {
			line, _ = widen(line)
			f.Traceback = append(f.Traceback, line)
		}
	}
	if hint != "" {
		f.Traceback = append(f.Traceback, hintLines(hint)...)
	}
	if leaves.known() {
		f.Traceback = append(f.Traceback, "", paint(green, "in "+leaves.title()))
		f.Traceback = append(f.Traceback, leaves.excerpt([]int{leaves.column})...)
	}
	return f
}

// exit says how a program may have ended itself: a test that failed, or the one call in the cell that does so.
func (c Context) exit(name string) (hint string, leaves place) {
	leaves.line = -1
	one, ok := c.cell(c.Current)
	if name != "ExitError" || !ok {
		return "", leaves
	}
	for _, line := range one.lines {
		if bare := strings.Fields(strings.TrimPrefix(line, "//gonb:")); len(bare) > 0 && bare[0] == "%test" {
			return "A test failed: what it said stands above.", leaves
		}
	}
	cells := c.reachable(one)
	exits, byExit := only(cells, "os", []string{"Exit"})
	fatal, byFatal := only(cells, "log", []string{"Fatal", "Fatalf", "Fatalln"})
	switch {
	case byExit && !byFatal:
		return "", exits
	case byFatal && !byExit:
		return "", fatal
	}
	return "", leaves
}
