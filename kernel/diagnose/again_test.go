//go:build record

package diagnose_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/kernel/wire"
)

// TestRecordAgain asks GoNB itself for everything in testdata once more, after GoNB or Go has changed:
//
//	go test -tags record -run TestRecordAgain ./kernel/diagnose && go test ./kernel/diagnose -update && git diff kernel/diagnose/testdata
func TestRecordAgain(t *testing.T) {
	lab, err := setup.Find()
	if err != nil {
		t.Skip("the lab is not set up: ", err)
	}
	for name, s := range sessions(t) {
		t.Run(name, func(t *testing.T) {
			data, err := json.MarshalIndent(s.again(t, lab), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join("testdata", name+".json"), append(data, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// again runs the cells of s in a GoNB of their own.
func (s session) again(t *testing.T, lab *setup.Lab) session {
	k, err := kernel.Start(t.Context(), kernel.Launch{Argv: append(lab.GoNB(), "-raw_error", "-kernel", "{connection_file}"),
		Env: append(lab.Environ(), "GOPROXY=off")})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	now := session{Cells: s.Cells}
	for i, cell := range s.Cells {
		var out, errs strings.Builder
		// Half a minute is for cells that link GoMLX; a cell that never ends says so.
		limit := 30 * time.Second
		if strings.Contains(cell.Source, "// interrupt") {
			limit = 4 * time.Second
		}
		ctx, stop := context.WithTimeout(t.Context(), limit)
		reply, err := k.Execute(ctx, cell.Source, func(m *wire.Message) {
			var c struct{ Name, Text string }
			if m.Header.Type != "stream" || m.Decode(&c) != nil {
				return
			}
			if c.Name == "stderr" {
				errs.WriteString(c.Text)
			} else {
				out.WriteString(c.Text)
			}
		})
		stop()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("cell %d: %v", cell.ID, err)
		}
		if i == 0 { // it asks where GoNB composes programs
			now.Workspace = strings.TrimSpace(out.String())
		}
		if reply.Status == "error" {
			f := failure{ID: cell.ID, Value: reply.Value, Traceback: reply.Traceback, Stderr: errs.String()}
			if f.Stderr != "" {
				program, _ := os.ReadFile(filepath.Join(now.Workspace, "main.go")) // a test has another file
				f.Program = string(program)
			}
			now.Failures = append(now.Failures, f)
		}
	}
	return now.anonymous(t, lab)
}

// anonymous replaces the paths of this machine.
func (s session) anonymous(t *testing.T, lab *setup.Lab) session {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	// The lab's module may be reached under two names.
	module, err := filepath.EvalSymlinks(lab.Module)
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer(s.Workspace, "/tmp/gonb_12345678", filepath.Base(s.Workspace), "gonb_12345678", strings.TrimSpace(string(modules)),
		"/home/user/go/pkg/mod", lab.Module, "/home/user/transferlab", module, "/home/user/transferlab", here, "/home/user/transferlab", home+"/", "/home/user/")
	for i := range s.Failures {
		f := &s.Failures[i]
		f.Value, f.Stderr, f.Program = names.Replace(f.Value), names.Replace(f.Stderr), names.Replace(f.Program)
		for j := range f.Traceback {
			f.Traceback[j] = names.Replace(f.Traceback[j])
		}
	}
	s.Workspace = names.Replace(s.Workspace)
	return s
}
