//go:build unix && !tlab

package plots

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// childVariable makes this test binary behave as a cell that the kernel runs: gonbui looks at its environment when a program starts.
const childVariable = "PLOTS_TEST_CELL"

func TestMain(m *testing.M) {
	figures := map[string]Figure{"curves": Curves(twoPhases()...), "broken": Curves(), "crowd": crowd(), "deserted": Curves(twoPhases()...)}
	if name := os.Getenv(childVariable); name != "" {
		if name == "deserted" {
			patience = 100 * time.Millisecond
		}
		if err := Show(figures[name]); err != nil {
			fmt.Println("returned:", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func crowd() Figure {
	p, labels := projection(4000, 3, 20)
	return Scatter("crowd", p, labels)
}

// cell runs the named figure as a cell does and answers as GoNB's kernel, which reads messages from one named pipe and confirms
// in another. It returns what was displayed.
func cell(t *testing.T, name string, confirm bool) (shown []map[protocol.MIMEType]any, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	to, from := filepath.Join(dir, "to"), filepath.Join(dir, "from")
	for _, pipe := range []string{to, from} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), ok[string](t)(os.Executable()))
	command.Env = append(os.Environ(), childVariable+"="+name, protocol.GONB_PIPE_ENV+"="+to, protocol.GONB_PIPE_BACK_ENV+"="+from)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	// Opened for both directions, a named pipe does not wait for the other side, which a cell that shows nothing never opens.
	reader, writer := ok[*os.File](t)(os.OpenFile(to, os.O_RDWR, 0)), ok[*os.File](t)(os.OpenFile(from, os.O_RDWR, 0))
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		decoder, encoder := gob.NewDecoder(reader), gob.NewEncoder(writer)
		for {
			var data protocol.DisplayData
			if err := decoder.Decode(&data); err != nil {
				return
			}
			if value, isSync := data.Data[protocol.MIMECommValue].(protocol.CommValue); !isSync {
				shown = append(shown, data.Data)
			} else if confirm {
				encoder.Encode(protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: value.Value})
			}
		}
	}()
	if err := command.Wait(); err != nil && command.ProcessState.ExitCode() != 2 { // 2 is a panic
		t.Errorf("%v\n%s", err, problems.String())
	}
	reader.Close()
	writer.Close()
	<-done
	return shown, out.String(), problems.String()
}

var imgElement = regexp.MustCompile(`^<img alt="([^"]+)" width="([0-9]+)" style="[^"]+" src="data:([a-z+/]+);base64,([A-Za-z0-9+/=]+)">$`)

func TestShowInNotebook(t *testing.T) {
	for name, kind := range map[string]string{"curves": "image/svg+xml", "crowd": "image/png"} {
		shown, stdout, stderr := cell(t, name, true)
		if stdout != "" || stderr != "" || len(shown) != 1 {
			t.Fatalf("%s: %d displays, printed %q %q", name, len(shown), stdout, stderr)
		}
		html, _ := shown[0][protocol.MIMETextHTML].(string)
		element := imgElement.FindStringSubmatch(html)
		if element == nil || element[3] != kind || len(element[1]) < 50 {
			t.Fatalf("%s: %.300s", name, html)
		}
		if plain, _ := shown[0][protocol.MIMETextPlain].(string); !strings.Contains(plain, " ") || len(html) > 600_000 {
			t.Errorf("%s: plain text %q, %d bytes", name, plain, len(html))
		}
	}
}

// TestShowBroken: a figure that cannot be drawn ends the cell, though the cell does not look at Show's error.
func TestShowBroken(t *testing.T) {
	shown, _, stderr := cell(t, "broken", true)
	if len(shown) != 0 || !strings.Contains(stderr, "plots: draw curves: no finished epoch") {
		t.Errorf("%d displays, %q", len(shown), stderr)
	}
}

// TestShowDeserted: a kernel that no longer answers must not hold the cell for ever.
func TestShowDeserted(t *testing.T) {
	if _, _, stderr := cell(t, "deserted", false); !strings.Contains(stderr, "did not take the figure") || !strings.Contains(stderr, "restart it") {
		t.Errorf("%q", stderr)
	}
}

func TestShowOutside(t *testing.T) {
	if err := Show(Curves(twoPhases()...)); err == nil || !strings.Contains(err.Error(), "plots.Save") {
		t.Errorf("%v", err)
	}
}

// TestLight: what a cell that draws links. GoMLX would cost it seconds of building.
func TestLight(t *testing.T) {
	listed := ok[[]byte](t)(exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output())
	for _, dependency := range strings.Fields(string(listed)) {
		for _, heavy := range []string{"github.com/gomlx/", "transferlab/tl/engine", "transferlab/tl/zoo", "transferlab/tl/gx", "transferlab/kernel"} {
			if strings.HasPrefix(dependency, heavy) {
				t.Errorf("plots links %s", dependency)
			}
		}
	}
	if !bytes.Contains(listed, []byte("gonum.org/v1/plot")) {
		t.Errorf("go list gave %s", listed)
	}
}
