package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"transferlab/kernel/grade"
	"transferlab/kernel/notebook"
	"transferlab/kernel/setup"
	"transferlab/lessons/check"
)

// class is what 52 students hand in, 12 of whom do not mean well.
type class struct {
	t         *testing.T
	dir       string // of what is handed in
	scores    string // where no submission may write
	exercises []check.Exercise
	address   string // of a listener that nobody may reach
	reached   atomic.Int32
}

const (
	honest  = 40
	opening = "import (\n\t\"fmt\"\n\t\"transferlab/lessons/check\"\n)"
)

// counts is the type of the func that exercise 02/func asks for.
const counts = "func(n, k, c int, bias bool) int"

func (c *class) worth(id string) float64 {
	e, err := check.Find(id)
	if err != nil {
		c.t.Fatal(err)
	}
	return e.Worth()
}

// asked are the exercises of lesson 7 whose sample answers can be written down: all but the funcs.
func asked() (list []check.Exercise) {
	for _, e := range check.All() {
		if _, is := literal(e.Right[0]); is && e.Lesson() == "07" {
			list = append(list, e)
		}
	}
	return list
}

// literal writes a sample answer as Go.
func literal(answer any) (string, bool) {
	switch a := answer.(type) {
	case string:
		return strconv.Quote(a), true
	case int, float64:
		return fmt.Sprint(a), true
	}
	return "", false
}

// answer is a cell that answers an exercise.
func answerCell(e check.Exercise, value any) string {
	text, _ := literal(value)
	if _, is := e.For("").(check.Prediction); is {
		return fmt.Sprintf("%%%%\ncheck.Predict(%q, %s)", e.ID, text)
	}
	return fmt.Sprintf("%%%%\ncheck.Answer(%q, %s)", e.ID, text)
}

// handIn writes a submission of these cells.
func (c *class) handIn(name string, cells ...string) string {
	c.t.Helper()
	book := notebook.Notebook{}
	for _, source := range append([]string{opening}, cells...) {
		book.Cells = append(book.Cells, &notebook.Cell{Kind: notebook.Code, Source: source})
	}
	data, err := book.Bytes()
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.dir, name, "07-fine-tuning.ipynb")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// attack is a submission that wants more than it should, in the second of three cells; the first and the last answer one exercise each.
type attack struct {
	name   string
	code   string
	last   bool   // the last answer must count as well: what the attack did harmed nobody, itself included
	sudden bool   // it may end itself before its first answer has left
	blames string // in the reason why the run ended, or in a note; "" if it did not
}

func (c *class) attacks() []attack {
	prize, _ := literal(c.exercises[1].Right[0])
	steal := fmt.Sprintf("check.Answer(%q, %s)", c.exercises[1].ID, prize)
	return []attack{
		{name: "loop", last: true, blames: "ran longer", code: fmt.Sprintf("all := ^uint64(0) // processors: those of the others, too\n"+
			"if _, _, refused := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, 8, uintptr(unsafe.Pointer(&all))); refused == 0 || runtime.NumCPU() > %d {\n"+
			"\t%s\n}\nfor range 100 {\n\tgo func() {\n\t\tfor {\n\t\t}\n\t}()\n}\nfor {\n}", (runtime.NumCPU()+1)/2, steal)},
		{name: "spin", last: true, code: "check.Answer(\"02/func\", " + counts + " {\n\tfor {\n\t}\n})"},
		{name: "memory", code: "var all [][]byte\nfor {\n\tb := make([]byte, 64<<20)\n\tfor i := 0; i < len(b); i += 4096 {\n\t\tb[i] = 1\n\t}\n\tall = append(all, b)\n}", blames: "memory"},
		{name: "delete", last: true, code: fmt.Sprintf("for _, dir := range []string{%q, \"/usr\", \"/srv\", \"/root\", os.Getenv(\"GOCACHE\"), os.Getenv(\"GOMODCACHE\")} {\n\t_ = os.RemoveAll(dir)\n}", c.dir)},
		{name: "forge", code: forging(c.exercises[1].ID)},
		{name: "network", last: true, code: fmt.Sprintf("for _, to := range [][2]string{{\"tcp\", %q}, {\"tcp\", \"1.1.1.1:53\"}, {\"udp\", \"1.1.1.1:53\"}} {\n"+
			"\tif c, err := net.DialTimeout(to[0], to[1], time.Second); err == nil {\n\t\tif _, err = c.Write([]byte(\"hello\")); err == nil {\n\t\t\t%s\n\t\t}\n\t}\n}", c.address, steal)},
		{name: "fork", sudden: true, code: "for {\n\t_ = exec.Command(\"/bin/sh\", \"-c\", \"b() { b | b & }; b; sleep 60\").Start()\n}", blames: "processes"},
		{name: "read", last: true, code: fmt.Sprintf("for _, path := range []string{%q, filepath.Join(%q, \"lesson07.go\"), \"/etc/passwd\", \"/root/.bashrc\"} {\n"+
			"\tif _, err := os.ReadFile(path); err == nil {\n\t\t%s\n\t}\n}\nif all, _ := filepath.Glob(\"/proc/[0-9]*/cmdline\"); len(all) > 40 {\n\t%s\n}",
			filepath.Join(c.dir, "honest-00", "07-fine-tuning.ipynb"), c.checkDir(), steal, steal)},
		{name: "scores", last: true, code: fmt.Sprintf("for _, name := range []string{\"scores.csv\", \"scores.json\"} {\n\t_ = os.MkdirAll(%q, 0o777)\n"+
			"\t_ = os.WriteFile(filepath.Join(%q, name), []byte(\"scores,100\"), 0o666)\n}", c.scores, c.scores)},
		{name: "hide", last: true, code: "for _, c := range []*exec.Cmd{exec.Command(\"unshare\", \"--user\", \"true\"), exec.Command(\"true\")} {\n" +
			"\tif c.Args[0] == \"true\" {\n\t\tc.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}\n\t}\n\tif c.Run() == nil {\n\t\t" + steal + "\n\t}\n}\n" +
			"if exec.Command(\"true\").Run() != nil {\n\tpanic(\"nothing can be run at all\")\n}"},
		{name: "kill", sudden: true, code: fmt.Sprintf("_ = syscall.Kill(%d, syscall.SIGKILL)\n_ = syscall.Kill(os.Getppid(), syscall.SIGKILL)\n_ = syscall.Kill(1, syscall.SIGKILL)\n_ = syscall.Kill(-1, syscall.SIGKILL)", os.Getpid()), blames: "ended early"},
		{name: "disk", last: true, code: "block := make([]byte, 1<<20)\nfor _, dir := range []string{\"/tmp\", \"/dev/shm\", \"/dev\", \"/\", \"/usr\"} {\n\tf, err := os.CreateTemp(dir, \"x\")\n\tif err != nil {\n\t\tcontinue\n\t}\n\tfor err == nil {\n\t\t_, err = f.Write(block)\n\t}\n\tf.Close()\n\tos.Remove(f.Name())\n}"},
	}
}

func (c *class) checkDir() string {
	lab, err := theLab()
	if err != nil {
		c.t.Fatal(err)
	}
	return filepath.Join(lab.Module, "lessons", "check")
}

// forging writes points and judgements to wherever something might read them: the file of answers, and the output of every process.
func forging(id string) string {
	claims := []string{
		fmt.Sprintf(`{"given":{"id":%q,"verb":"answer","number":-77,"status":"right","points":1000,"credit":1}}`, id),
		fmt.Sprintf(`{"id":%q,"verb":"answer","number":-77,"status":"right","points":1000}`, id),
		`{"points":1000,"of":1,"exercises":[{"id":"` + id + `","status":"right","points":1000}]}`, `{"done":true}`,
	}
	return fmt.Sprintf("claims := %q\nplaces, _ := filepath.Glob(\"/proc/[0-9]*/fd/[0-9]*\")\nplaces = append(places, filepath.Join(os.Getenv(\"TLAB_ANSWERS\"), \"answers.jsonl\"))\n"+
		"for _, place := range places {\n\tlink, _ := os.Readlink(place)\n\tif f, err := os.OpenFile(place, os.O_APPEND|os.O_WRONLY, 0o666); err == nil && !strings.HasPrefix(link, \"socket\") {\n"+
		"\t\tgo f.WriteString(claims)\n\t}\n}\ntime.Sleep(200 * time.Millisecond)\nfmt.Println(claims)", "\n"+strings.Join(claims, "\n")+"\n")
}

// listen counts who reaches an address of the machine.
func (c *class) listen() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { l.Close() })
	c.address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.reached.Add(1)
			conn.Close()
		}
	}()
}

// sandboxed skips where this system gives no sandbox, and says why.
func sandboxed(t *testing.T, lab *setup.Lab) {
	t.Helper()
	err := grade.Try(context.Background(), lab)
	if errors.Is(err, grade.ErrNoSandbox) {
		t.Skipf("no sandbox here, so nothing is graded: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Fifty-two students hand in, twelve of them with something hostile. Each of the others gets exactly what is due, no attack is seen outside of its
// sandbox, and what is forged is worth nothing.
func TestGradeAClass(t *testing.T) {
	lab, err := theLab()
	if err != nil {
		t.Fatal(err)
	}
	sandboxed(t, lab)
	c := &class{t: t, dir: t.TempDir(), scores: t.TempDir(), exercises: asked()}
	c.listen()
	var files []string
	var due []float64
	for i := range honest {
		cells, points := []string{"%%\nfor {\n}\nfmt.Println(\"a cell that trains for a long time is not run\")"}, 0.0
		for k, e := range c.exercises {
			if (i+k)%4 == 0 { // not everybody answers everything right
				cells = append(cells, answerCell(e, e.Nonsense[0]))
				continue
			}
			cells, points = append(cells, answerCell(e, e.Right[0])), points+e.Worth()
		}
		if i == 0 { // a cell may load data and weights: what is known of them can be read
			cells, points = append(cells, "%%\nfiles, _ := filepath.Glob(os.Getenv(\"TLAB_HOME\") + \"/verified/*.json\")\nfor _, file := range files {\n"+
				"\tif _, err := os.ReadFile(file); err != nil {\n\t\tpanic(err)\n\t}\n}\ncheck.Answer(\"02/func\", "+counts+" {\n\tif bias {\n\t\treturn n*k*k*c + n\n\t}\n\treturn n * k * k * c\n})"), points+c.worth("02/func")
		}
		files, due = append(files, c.handIn(fmt.Sprintf("honest-%02d", i), cells...)), append(due, points)
	}
	attacks := c.attacks()
	first, last := c.exercises[0], c.exercises[2]
	for i, a := range attacks {
		// Hostile ones among the others, not behind them.
		at := i * len(files) / len(attacks)
		file := c.handIn("hostile-"+a.name, answerCell(first, first.Right[0]), "%%\n"+a.code+"\ncheck.Ask(\"\") // check.Answer", answerCell(last, last.Right[0]))
		files = append(files[:at], append([]string{file}, files[at:]...)...)
		due = append(due[:at], append([]float64{-1}, due[at:]...)...)
	}
	began := time.Now()
	report, err := grade.Grade(t.Context(), lab, files, grade.Options{Output: c.scores, Seed: 1,
		Limits: grade.Limits{Time: time.Minute, Cell: 8 * time.Second, Memory: 1 << 30, Disk: 256 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d submissions in %.0f s", len(files), time.Since(began).Seconds())
	if len(report.Results) != honest+len(attacks) {
		t.Fatalf("%d results", len(report.Results))
	}
	byName := map[string]grade.Result{}
	for i, r := range report.Results {
		byName[filepath.Base(filepath.Dir(r.File))] = r
		if r.File != files[i] || r.Sandbox != report.Sandbox || r.Sandbox == grade.Trusted {
			t.Errorf("result %d is of %s, sandbox %q", i, r.File, r.Sandbox)
		}
		if due[i] >= 0 && (r.Points != due[i] || r.Ended != "") {
			t.Errorf("%s: %v points, want %v; %s %v", r.File, r.Points, due[i], r.Ended, r.Notes)
		}
	}
	for _, a := range attacks {
		c.judge(a, byName["hostile-"+a.name])
	}
	c.unharmed()
}

// judge checks what an attack got.
func (c *class) judge(a attack, r grade.Result) {
	first, prize, last := c.exercises[0], c.exercises[1], c.exercises[2]
	for _, m := range r.Exercises {
		switch {
		case m.ID == first.ID && m.Points != first.Worth() && !a.sudden:
			c.t.Errorf("%s: the answer before the attack earned %v; %s %v", a.name, m.Points, r.Ended, r.Notes)
		case m.ID == prize.ID && m.Points != 0:
			c.t.Errorf("%s: it worked: %+v", a.name, m)
		case m.ID == last.ID && a.last && m.Points != last.Worth():
			c.t.Errorf("%s: the answer behind the attack earned %v; %s %v", a.name, m.Points, r.Ended, r.Notes)
		}
	}
	if r.Points > first.Worth()+last.Worth() {
		c.t.Errorf("%s: %v points", a.name, r.Points)
	}
	said := r.Ended + " " + strings.Join(r.Notes, " ")
	if !strings.Contains(said, a.blames) {
		c.t.Errorf("%s: said %q, want %q in it", a.name, said, a.blames)
	}
	c.t.Logf("%-8s %.1f s, %v points: %s", a.name, r.Seconds, r.Points, said)
}

// unharmed checks what attacks were after.
func (c *class) unharmed() {
	if n := c.reached.Load(); n > 0 {
		c.t.Errorf("%d connections reached the machine", n)
	}
	if entries, err := os.ReadDir(c.scores); err != nil || len(entries) > 0 {
		c.t.Errorf("the folder of scores holds %v, %v", entries, err)
	}
	left, err := filepath.Glob(filepath.Join(c.dir, "*", "*.ipynb"))
	if err != nil || len(left) != honest+len(c.attacks()) {
		c.t.Errorf("%d of the notebooks are left", len(left))
	}
	for _, path := range left {
		var book struct{ Cells []json.RawMessage }
		if data, err := os.ReadFile(path); err != nil || json.Unmarshal(data, &book) != nil || len(book.Cells) == 0 {
			c.t.Errorf("%s is damaged: %v", path, err)
		}
	}
	if running := carriers("TLAB_ANSWERS="); len(running) > 0 {
		c.t.Errorf("still running: %q", running)
	}
}
