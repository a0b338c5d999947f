package peers

import (
	"os/exec"
	"strings"
	"testing"
)

func TestSpeedTable(t *testing.T) {
	paces := map[string]map[string][]Pace{
		"ours":   {"forward": {{Images: 32, Seconds: 0.5, Processor: 0.64}, {Images: 32, Seconds: 0.25, Processor: 0.32}, {Images: 32, Seconds: 0.2, Processor: 0.3}}},
		"theirs": {"forward": {{Images: 16, Seconds: 0.25, Processor: 0.32}}, "step": {{Missing: true}}},
	}
	want := `| job | ours, images/s | processor ms/image | theirs, images/s | processor ms/image | × theirs |
|---|--:|--:|--:|--:|--:|
| forward | 128.0 | 10.0 | 64.0 | 20.0 | 2.00 |
| step | – | – | – | – | – |
`
	if got := SpeedTable([]string{"ours", "theirs"}, []string{"forward", "step"}, paces); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRunner(t *testing.T) {
	start := func(program string) *Runner {
		r, err := StartRunner("a tool", exec.Command("sh", "-c", program), t.Output())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := start(`while read job; do echo loading; echo "{\"job\": \"$job\", \"images\": 4, \"seconds\": 0.5}"; done`)
	for _, job := range []string{"forward", "step, batch statistics"} {
		if p, err := r.Do(job); err != nil || p.Job != job || p.Images != 4 || p.Seconds != 0.5 {
			t.Errorf("%q: got %+v, %v", job, p, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for program, want := range map[string]string{
		`read job; exit 3`:             "ended while it did",
		`read job; echo '{"job": 1}'`:  "read the answer",
		`read job; echo '{"job":"x"}'`: "answered",
	} {
		r := start(program)
		if _, err := r.Do("forward"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", program, err, want)
		}
		_ = r.Close() // the program's own status
	}
}
