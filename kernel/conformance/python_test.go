package conformance

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// skipped says, for each of jupyter_kernel_test's tests that does not apply to this kernel, which sentence of its documentation says so.
// There is none.
var skipped = map[string]string{}

// The protocol's own test suite: every test that it has.
func TestJupyterKernelTest(t *testing.T) {
	cases := pytest(t, "test_kernel.py")
	// So that a suite that lost its tests does not pass.
	for _, name := range []string{"kernel_info", "execute_stdout", "execute_stderr", "completion", "is_complete", "pager", "error", "execute_result",
		"display_data", "history", "inspect", "clear_output", "recv_iopub_welcome_msg"} {
		if !cases["test_"+name] {
			t.Errorf("jupyter_kernel_test's test_%s did not run", name)
		}
	}
}

// VS Code, restarts, a server that is killed.
func TestStarts(t *testing.T) {
	if cases := pytest(t, "test_starts.py"); len(cases) < 5 {
		t.Errorf("only %v ran", cases)
	}
}

// Notebook 7 and a server as JupyterHub runs one.
func TestServer(t *testing.T) {
	if cases := pytest(t, "test_server.py"); len(cases) < 4 {
		t.Errorf("only %v ran", cases)
	}
}

// report is what pytest writes, in JUnit's form.
type report struct {
	Cases []struct {
		Name    string   `xml:"name,attr"`
		Seconds float64  `xml:"time,attr"`
		Failure []string `xml:"failure"`
		Error   []string `xml:"error"`
		Skipped []struct {
			Why string `xml:"message,attr"`
		} `xml:"skipped"`
	} `xml:"testsuite>testcase"`
}

// pytest runs a file of testdata; each of its tests is a test here. It returns the names of those that ran.
func pytest(t *testing.T, file string) map[string]bool {
	t.Helper()
	p := newProgram(t)
	p.copy(file)
	path := filepath.Join(p.dir, "report.xml")
	stdout, stderr := p.run("", "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=60",
		"--basetemp="+filepath.Join(p.tmp, "t"), "--junitxml="+path, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("pytest ended with status %d:\n%s%s", p.code, stdout, stderr)
	}
	var r report
	if err := xml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	ran, failed := map[string]bool{}, false
	for _, c := range r.Cases {
		ran[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Logf("%.1f s", c.Seconds)
			for _, words := range append(c.Failure, c.Error...) {
				failed = true
				t.Error(words)
			}
			for _, s := range c.Skipped {
				if why := skipped[c.Name]; why == "" {
					t.Errorf("skipped (%s), and no documentation says that it may be", s.Why)
				} else {
					t.Skip(why)
				}
			}
		})
	}
	if p.code != 0 && !failed {
		t.Errorf("pytest ended with status %d:\n%s%s", p.code, strings.TrimSpace(stdout), stderr)
	}
	return ran
}
