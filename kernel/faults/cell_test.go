package faults

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"transferlab/tl"
)

// inCells are the faults of a cell's own, or of a user who stops it.
func inCells(s *stand) []*row {
	var rows []*row
	add := func(name string, strike blow) { rows = append(rows, s.suffer(name, strike)) }
	add("interrupt in the build", s.interruptBuild)
	add("interrupt at any moment", s.interruptAnywhere)
	add("interrupt in user code", s.interruptRun)
	add("interrupt in an endless flood", s.interruptFlood)
	add("interrupt in Fit", s.interruptFit)
	add("a cell that ignores SIGINT", s.stubborn)
	add("panic", s.panics)
	add("os.Exit", s.exits)
	rows = append(rows, s.flooding()...)
	add("infinite memory", s.devours)
	return rows
}

// slow is a cell that takes seconds to compile, another each time.
func slow(i int) string {
	var code strings.Builder
	fmt.Fprintf(&code, "%%%%\nvar sum = %d\n", i)
	for k := range 6000 {
		fmt.Fprintf(&code, "sum += func(x int) int { return x*%d + len(fmt.Sprint(x, %d)) }(sum)\n", k, k)
	}
	code.WriteString("fmt.Println(\"ran\", sum)\n")
	return code.String()
}

// interruptBuild stops a cell at another place of its build each time.
func (s *stand) interruptBuild(i int) error {
	tool := []string{"compile", "go", "goimports", "compile"}[i%4]
	r, err := launched(s.t.Context(), s, slow(i), begun)
	if err != nil {
		return err
	}
	if _, err := find(s.dir, tool); err != nil {
		return err
	}
	time.Sleep(time.Duration(i%7) * 10 * time.Millisecond)
	if err := r.stop(grace); err != nil {
		return err
	}
	if r.out.stdout.Len() > 0 {
		return fmt.Errorf("it ran: %q", r.out.stdout.String())
	}
	return nil
}

// grace is how long the end of a cell may take that does not ignore the signal, on a busy machine.
const grace = 10 * time.Second

// interruptAnywhere stops an ordinary cell some time after it was sent: in GoNB's parsing, a build, a start, or at work.
func (s *stand) interruptAnywhere(i int) error {
	r, err := launched(s.t.Context(), s, fmt.Sprintf("%%%%\nfmt.Println(\"ran\", %d)\ntime.Sleep(time.Minute)", i), begun)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(i*37%1000) * time.Millisecond)
	return r.stop(grace)
}

func (s *stand) interruptRun(i int) error {
	work := []string{"for { }", "time.Sleep(time.Minute)", "var mu sync.Mutex\nmu.Lock()\ngo func() { for { time.Sleep(time.Second) } }()\nmu.Lock()"}[i%3]
	r, err := launched(s.t.Context(), s, "%%\nfmt.Println(\"began\")\n"+work, "began")
	if err != nil {
		return err
	}
	return r.stop(grace)
}

// interruptFlood: what such a cell printed and nobody has read yet must not keep it from ending.
func (s *stand) interruptFlood(i int) error {
	r, err := launched(s.t.Context(), s, fmt.Sprintf("%%%%\nfor k := 0; ; k++ { fmt.Println(\"flood\", %d, k) }", i), "flood")
	if err != nil {
		return err
	}
	time.Sleep(time.Second)
	return r.stop(grace)
}

const endlessFit = "%%%%\nm := victim.Seeded(%d)\ntl.Must(m.Fit(context.Background(), datasets.Shapes(48, 1), datasets.Dataset{}, " +
	"tl.Phase{Epochs: 1 << 20, LearningRate: 1e-3, BatchSize: 4}))"

// stoodAt is what the kernel says of a stopped Fit.
var stoodAt = regexp.MustCompile(`fit "victim": stopped in epoch (\d+); model as of epoch (\d+)`)

// interruptFit stops a training. The cell says how the model stands, and that is how it stands.
func (s *stand) interruptFit(i int) error {
	r, err := launched(s.t.Context(), s, fmt.Sprintf(endlessFit, i+1), "epoch 2/")
	if err != nil {
		return err
	}
	defer s.forget(i + 1)
	if err := r.stop(grace); err != nil {
		return err
	}
	m := stoodAt.FindStringSubmatch(r.out.stderr.String())
	if m == nil {
		return fmt.Errorf("the cell does not say how the model stands: %q", r.out.stderr.String())
	}
	in, as := atoi(m[1]), atoi(m[2])
	var histories []tl.History
	if err := s.call(tl.VerbHistories, tl.ModelRequest{Model: victim.Seeded(int64(i + 1))}, &histories); err != nil {
		return err
	}
	if len(histories) != 1 || !histories[0].Stopped || len(histories[0].Epochs) != as || in != as+1 {
		return fmt.Errorf("the cell says %q, the model has %d phases, %+v", m[0], len(histories), histories)
	}
	return nil
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// forget lets the engine forget a victim, so that fifty of them are no leak.
func (s *stand) forget(seed int) {
	var had bool
	if err := s.call(tl.VerbReset, tl.ModelRequest{Model: victim.Seeded(int64(seed))}, &had); err != nil {
		s.t.Error(err)
	}
}

func (s *stand) stubborn(i int) error {
	code := []string{
		"%%\nsignal.Ignore(os.Interrupt, syscall.SIGTERM)\nfmt.Println(\"began\")\nfor { time.Sleep(time.Second) }",
		"!echo began; (trap '' INT TERM; sleep 600) | (trap '' INT TERM; sleep 600)",
	}[i%2]
	r, err := launched(s.t.Context(), s, code, "began")
	if err != nil {
		return err
	}
	return r.stop(5*time.Second + grace)
}

// fails runs a cell that must end in that error.
func (s *stand) fails(code, name, value string) error {
	reply, o, err := outcome(s.t.Context(), s, code)
	if err != nil {
		return err
	}
	if reply.Status != "error" || reply.Name != name || !strings.Contains(reply.Value, value) {
		return fmt.Errorf("%+v, stderr %q; want %s %q", reply, o.stderr.String(), name, value)
	}
	return nil
}

func (s *stand) panics(i int) error {
	switch i % 3 {
	case 0:
		return s.fails(fmt.Sprintf("%%%%\npanic(\"at the disco %d\")", i), "panic", fmt.Sprintf("at the disco %d", i))
	case 1:
		return s.fails("%%\ngo func() { var p *int; *p = 1 }()\nselect {}", "panic", "nil pointer dereference")
	}
	return s.fails("var f func(int) int\n%%\nf = func(n int) int { return f(n+1) + 1 }\nfmt.Println(f(0))", "fatal error", "stack overflow")
}

func (s *stand) exits(i int) error {
	return s.fails(fmt.Sprintf("%%%%\nfmt.Println(\"before\", %d)\nos.Exit(%d)", i, 1+i%100), "ExitError", fmt.Sprintf("exit status %d", 1+i%100))
}

func (s *stand) devours(i int) error {
	if err := okay(s.t.Context(), s, "%limit memory=300MB", "memory=300 MB"); err != nil {
		return err
	}
	eat := fmt.Sprintf("%%%%\nvar all [][]byte\nfor { b := make([]byte, %d<<20); for i := range b { b[i] = 1 }; all = append(all, b) }", 4+i%60)
	err := s.fails(eat, "LimitError", "its limit is 300 MB")
	return errors.Join(err, okay(s.t.Context(), s, "%limit memory=auto", "memory=auto"))
}

// shownBytes is how much of a cell's text the kernel shows by default.
const shownBytes = 4 << 20

// floodBytes is a GiB, in a series; one flood, with all other tests, is an eighth of that.
func floodBytes() int {
	if *times > 1 {
		return 1 << 30
	}
	return 1 << 27
}

// flooding runs floods and notes what the kernel and GoNB took for them.
func (s *stand) flooding() []*row {
	kernel, err := find(s.dir, "kernel")
	gonb, err2 := find(s.dir, "gonb")
	if err := errors.Join(err, err2); err != nil {
		s.t.Fatal(err)
	}
	before := map[int]int64{kernel: status(kernel, "VmRSS"), gonb: status(gonb, "VmRSS")}
	for pid := range before {
		if err := forgetPeak(pid); err != nil {
			s.t.Logf("peaks cannot be measured: %v", err)
		}
	}
	r := s.suffer(fmt.Sprintf("%d MiB to stdout", floodBytes()>>20), s.flood)
	growth := func(pid int) (peak, now float64) {
		return float64(status(pid, "VmHWM")-before[pid]) / 1e6, float64(status(pid, "VmRSS")-before[pid]) / 1e6
	}
	kernelPeak, kernelNow := growth(kernel)
	gonbPeak, gonbNow := growth(gonb)
	r.note = fmt.Sprintf("kernel +%.0f MB at its peak, %+.0f after; GoNB +%.0f, %+.0f", kernelPeak, kernelNow, gonbPeak, gonbNow)
	if kernelPeak > 200 || gonbPeak > 200 {
		s.t.Errorf("a flood of %d MB: %s", floodBytes()>>20, r.note)
	}
	return []*row{r}
}

func (s *stand) flood(i int) error {
	code := fmt.Sprintf("%%%%\nb := bytes.Repeat([]byte(\"%07d\\n\"), 1<<17)\nfor range %d { os.Stdout.Write(b) }\nfmt.Fprint(os.Stderr, \"the end\")",
		i, floodBytes()>>20)
	began := time.Now()
	r, err := launched(s.t.Context(), s, code, begun)
	if err != nil {
		return err
	}
	if err := r.end(3 * time.Minute); err != nil {
		return err
	}
	told, want := r.out.stderr.String(), fmt.Sprintf("[output bounded: %.0f MB more", float64(floodBytes()-shownBytes)/1e6)
	if r.reply.Status != "ok" || r.out.stdoutBytes != shownBytes || !strings.Contains(told, "the end") || !strings.Contains(told, want) {
		return fmt.Errorf("%+v after %v: %d bytes, %q", r.reply, time.Since(began), r.out.stdoutBytes, told)
	}
	return nil
}

// killCell ends a cell's program in the middle.
func (s *stand) killCell(i int) error {
	r, err := launched(s.t.Context(), s, fmt.Sprintf("%%%%\nfmt.Println(\"began\", %d)\ntime.Sleep(time.Minute)", i), "began")
	if err != nil {
		return err
	}
	pid, err := find(s.dir, "cell")
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	if err := r.end(grace); err != nil {
		return err
	}
	if r.reply.Status != "error" || !strings.Contains(r.reply.Name+r.reply.Value, "killed") {
		return fmt.Errorf("%+v", r.reply)
	}
	return nil
}

// TestFaults does everything to a kernel that it is to live through, and prints a table.
func TestFaults(t *testing.T) {
	var rows []*row
	for _, group := range []struct {
		name string
		do   func(t *testing.T) []*row
	}{
		{"cells", func(t *testing.T) []*row { return inCells(newStand(t)) }},
		{"kills", func(t *testing.T) []*row { return kills(newStand(t)) }},
		{"kernel killed", kernelKilled},
		{"strangers ipc", func(t *testing.T) []*row { return strangers(t, "ipc") }},
		{"strangers tcp", func(t *testing.T) []*row { return strangers(t, "tcp") }},
		{"clients", func(t *testing.T) []*row { return vanishing(newStand(t)) }},
		{"disk full", diskFull},
		{"several", several},
	} {
		t.Run(group.name, func(t *testing.T) { rows = append(rows, group.do(t)...) })
	}
	t.Log(table(rows...))
	if name := os.Getenv("TLAB_FAULTS_TABLE"); name != "" {
		if err := os.WriteFile(name, []byte(table(rows...)), 0o644); err != nil {
			t.Error(err)
		}
	}
}
