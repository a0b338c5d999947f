package kernel

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"transferlab/kernel/wire"
)

// request sends any request and returns its reply's content and the types of what was published for it, a status as its state.
func (s *Session) request(t *testing.T, ch *channel, msgType string, content any) (reply map[string]any, published []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, forget, err := s.ask(ch, msgType, content)
	if err != nil {
		t.Fatal(err)
	}
	defer forget()
	for idle := false; reply == nil || !idle; {
		select {
		case m := <-r.reply:
			if m.Header.Type != replyTo(msgType) {
				t.Fatalf("%s was answered by %s", msgType, m.Header.Type)
			}
			if err := m.Decode(&reply); err != nil {
				t.Fatal(err)
			}
		case m := <-r.output:
			idle = isIdle(m)
			name := m.Header.Type
			if name == "status" {
				var state struct {
					State string `json:"execution_state"`
				}
				_ = m.Decode(&state)
				name = state.State
			}
			published = append(published, name)
		case <-ctx.Done():
			t.Fatalf("%s: reply %v, published %q, then nothing", msgType, reply, published)
		}
	}
	return reply, published
}

// TestAnswersWhileACellRuns: nothing that needs no Go waits for a cell, neither on shell nor on control.
func TestAnswersWhileACellRuns(t *testing.T) {
	s := session(t)
	ended := begin(t, s, "%%\nfmt.Println(\"began\")\ntime.Sleep(time.Minute)")
	for _, ch := range []*channel{s.shell, s.control} {
		for _, c := range []struct {
			request string
			content any
			key     string
			want    string
		}{
			{"kernel_info_request", nil, "implementation", "tlab"},
			{"is_complete_request", map[string]string{"code": "func f() {"}, "status", "incomplete"},
			{"is_complete_request", map[string]string{"code": "6*7"}, "status", "complete"},
			{"is_complete_request", map[string]string{"code": "x := )"}, "status", "invalid"},
			{"is_complete_request", map[string]string{"code": "fmt.Println?"}, "status", "complete"},
			{"history_request", map[string]any{"hist_access_type": "tail", "n": 1, "raw": true, "output": false}, "history", "[[1 1 %%\nfmt.Println(\"began\")\ntime.Sleep(time.Minute)]]"},
			{"comm_info_request", map[string]any{}, "comms", "map[]"},
			{"connect_request", nil, "shell_port", "1"},
		} {
			began := time.Now()
			reply, published := s.request(t, ch, c.request, c.content)
			if got := fmt.Sprint(reply[c.key]); got != c.want || reply["status"] == nil {
				t.Errorf("%s %v: %v, want %s %q", c.request, c.content, reply, c.key, c.want)
			}
			if !slices.Equal(published, []string{"busy", "idle"}) {
				t.Errorf("%s published %q", c.request, published)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s took %v", c.request, took)
			}
		}
	}
	if reply, _ := s.request(t, s.control, "interrupt_request", nil); reply["status"] != "ok" {
		t.Errorf("interrupt: %v", reply)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestAbort: what waits behind a cell that failed is not run; a cell that tolerates failure changes that.
func TestAbort(t *testing.T) {
	s := session(t)
	send := func(code string, stop bool) *awaited {
		r, _, err := s.ask(s.shell, "execute_request", executeRequest{Code: code, StoreHistory: true, StopOnError: stop})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for range r.output {
			}
		}()
		return r
	}
	for _, c := range []struct {
		stop bool
		want []string
	}{{true, []string{"error", "aborted", "aborted"}}, {false, []string{"error", "ok", "ok"}}} {
		var got []string
		for _, r := range []*awaited{send("%%\nos.Exit(3)", c.stop), send("%%\nfmt.Print(1)", true), send("%%\nfmt.Print(2)", true)} {
			var reply Reply
			select {
			case m := <-r.reply:
				_ = m.Decode(&reply)
			case <-time.After(time.Minute):
				t.Fatal("no reply")
			}
			if reply.Status == "aborted" && reply.Count != 0 {
				t.Errorf("a cell that did not run has the count %d", reply.Count)
			}
			got = append(got, reply.Status)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("stop_on_error %v: %q, want %q", c.stop, got, c.want)
		}
	}
	if reply, out := outcome(t, s, "%%\nfmt.Print(3)"); reply.Status != "ok" || out["stdout"] != "3" {
		t.Errorf("%+v %q", reply, out)
	}
}

// TestInterruptBuild: the stop button works while the cell is being compiled.
func TestInterruptBuild(t *testing.T) {
	s := session(t)
	// A program that takes seconds to compile and would then print.
	var code strings.Builder
	code.WriteString("%%\nvar sum int\n")
	for i := range 6000 {
		fmt.Fprintf(&code, "sum += func(x int) int { return x*%d + len(fmt.Sprint(x, %d)) }(sum)\n", i, i)
	}
	code.WriteString("fmt.Println(\"ran\", sum)\n")
	go func() {
		for range 400 {
			if len(carriersOf(t, "/compile ")) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		_ = s.Interrupt()
	}()
	began := time.Now()
	reply, out := outcome(t, s, code.String())
	if reply.Status != "error" || reply.Name != "Interrupt" || out["stdout"] != "" {
		t.Errorf("%+v %q", reply, out)
	}
	t.Logf("stopped %v after the cell was sent", time.Since(began))
	if reply, out := outcome(t, s, "%%\nfmt.Print(\"next\")"); reply.Status != "ok" || out["stdout"] != "next" {
		t.Errorf("%+v %q", reply, out)
	}
}

func carriersOf(t *testing.T, word string) []string {
	t.Helper()
	return slices.DeleteFunc(carriers("TLAB_MARK="+os.Getenv("TMPDIR")), func(c string) bool { return !strings.Contains(c, word) })
}

// TestStubborn: a program that ignores the signal is killed, and what it started with it.
func TestStubborn(t *testing.T) {
	s := session(t)
	for _, code := range []string{stubborn, "!echo began; (trap '' INT TERM; sleep 600) | (trap '' INT TERM; sleep 600)"} {
		ended := begin(t, s, code)
		began := time.Now()
		if err := s.Interrupt(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > grace+3*time.Second {
			t.Errorf("it took %v", took)
		}
		if left := carriersOf(t, "sleep"); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

func TestResults(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ code, mime, want string }{
		{"6*7", "text/plain", "42"},
		{"x := 5\nx*2", "text/plain", "10"},
		{"func half(x float64) float64 { return x / 2 }\nhalf(3)", "text/plain", "1.5"},
		{"%%\nhalf(5)", "text/plain", "2.5"},
		{"fmt.Println(\"only printed\")", "stdout", "only printed\n"},
		{"println()", "text/plain", ""},
		{"6*7;", "text/plain", ""},
		{"func nothing() {}\nnothing()", "text/plain", ""},
		{"import \"transferlab/kernel/cell\"\ncell.Keep(\"n\", []int{1, 2})", "text/plain", ""},
		{"cell.Get[[]int](\"n\")", "text/plain", "[1 2]"},
	} {
		reply, out := outcome(t, s, c.code)
		if reply.Status != "ok" && c.code != "6*7;" || out[c.mime] != c.want {
			t.Errorf("%q: %+v %q, want %q", c.code, reply, out, c.want)
		}
	}
}

// TestLimits: a flood of output and a hunger for memory end in words, not in a dead machine.
func TestLimits(t *testing.T) {
	s := session(t)
	_, out := outcome(t, s, "%limit output=10kB memory=300MB")
	if !strings.Contains(out["stdout"], "memory=300 MB\noutput=10 kB") {
		t.Errorf("%q", out)
	}
	reply, out := outcome(t, s, "%%\nfor range 1 << 17 { fmt.Println(\"0123456789abcdef0123456789abcdef\") }\nfmt.Fprintln(os.Stderr, \"end\")")
	if reply.Status != "ok" || len(out["stdout"]) != 10_000 || !strings.Contains(out["stderr"], "[output bounded: 4315 kB more") {
		t.Errorf("%+v: %d bytes, %q", reply, len(out["stdout"]), out["stderr"])
	}
	reply, _ = outcome(t, s, "%%\nvar all [][]byte\nfor { b := make([]byte, 1<<24); for i := range b { b[i] = 1 }; all = append(all, b) }")
	if reply.Status != "error" || reply.Name != "LimitError" || !strings.Contains(reply.Value, "its limit is 300 MB") {
		t.Errorf("%+v", reply)
	}
	reply, out = outcome(t, s, "%limit memory=lots")
	if reply.Status != "error" || !strings.Contains(reply.Value, `"lots" is no number of bytes`) {
		t.Errorf("%+v %q", reply, out)
	}
}

// TestGoNBKilled: the cell that ran says so; the next finds the declarations of those before.
func TestGoNBKilled(t *testing.T) {
	s := session(t)
	outcome(t, s, "import \"math\"\nvar base = 20\nfunc twice(x int) int { return 2 * x }")
	outcome(t, s, "type point struct{ x, y float64 }\nfunc (p point) length() float64 { return math.Hypot(p.x, p.y) }\n%%\nfmt.Println(point{3, 4}.length())")
	outcome(t, s, "var base = 21")
	outcome(t, s, "%env TLAB_TEST_VALUE kept")
	ended := make(chan Reply, 1)
	running := make(chan struct{})
	go func() {
		var once atomic.Bool
		reply, _ := s.Execute(t.Context(), "%%\nfmt.Println(1)\ntime.Sleep(time.Minute)", func(m *wire.Message) {
			if m.Header.Type == "stream" && once.CompareAndSwap(false, true) {
				close(running)
			}
		})
		ended <- reply
	}()
	<-running
	kill(t, childOf(t, s, "gonb"), syscall.SIGKILL)
	if reply := <-ended; reply.Status != "error" || !strings.Contains(reply.Value, "GoNB ended") {
		t.Errorf("%+v", reply)
	}
	reply, out := outcome(t, s, "%%\nfmt.Println(twice(base), point{6, 8}.length(), os.Getenv(\"TLAB_TEST_VALUE\"))")
	if reply.Status != "ok" || out["stdout"] != "42 10 kept\n" {
		t.Errorf("%+v %q", reply, out)
	}
	reply, _ = outcome(t, s, "%%\nfmt.Println(1)\nfmt.Println(undefinedName)")
	if !strings.Contains(strings.Join(reply.Traceback, "\n"), fmt.Sprintf("[%d]", reply.Count)) {
		t.Errorf("an error after the restart names another cell than %d: %q", reply.Count, reply.Traceback)
	}
}

// TestStrangers: what is not signed with the session's key, or is no message at all, is not answered and harms nobody.
func TestStrangers(t *testing.T) {
	s := session(t)
	conn, err := s.connection()
	if err != nil {
		t.Fatal(err)
	}
	conn.Key = "another"
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if _, err := Connect(ctx, conn); err == nil {
		t.Error("a client with a wrong key was answered")
	}
	if reply, out := outcome(t, s, "%%\nfmt.Print(1)"); reply.Status != "ok" || out["stdout"] != "1" {
		t.Errorf("%+v %q", reply, out)
	}
}

// TestSilent: a silent request shows and counts nothing.
func TestSilent(t *testing.T) {
	s := session(t)
	before, _ := outcome(t, s, "%%\nfmt.Print(1)")
	reply, published := s.request(t, s.shell, "execute_request", executeRequest{Code: "%%\nfmt.Print(2)", Silent: true, StoreHistory: true})
	if reply["status"] != "ok" || !slices.Equal(published, []string{"busy", "idle"}) {
		t.Errorf("%v %q", reply, published)
	}
	after, _ := outcome(t, s, "%%\nfmt.Print(3)")
	if after.Count != before.Count+1 {
		t.Errorf("count %d, then %d", before.Count, after.Count)
	}
}

func TestShutdown(t *testing.T) {
	s := session(t)
	reply, published := s.request(t, s.control, "shutdown_request", map[string]bool{"restart": true})
	if reply["status"] != "ok" || reply["restart"] != true || !slices.Contains(published, "shutdown_reply") {
		t.Errorf("%v %q", reply, published)
	}
	if !s.proc.ended(5 * time.Second) {
		t.Error("the kernel did not end")
	}
}
