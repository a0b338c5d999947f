package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"transferlab/tl"
)

// nestedKey tells the test binary that it runs in a name space of its own, where it may mount.
const nestedKey = "TLAB_FAULTS_NESTED"

// diskFull gives a kernel a small disk for its temporary files.
func diskFull(t *testing.T) []*row {
	dir, err := os.MkdirTemp("/tmp", "tlabdisk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	err = syscall.Mount("none", dir, "tmpfs", 0, "size=128m")
	if errors.Is(err, syscall.EPERM) && os.Getenv(nestedKey) == "" {
		nested(t)
		return nil
	}
	if err != nil {
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b := needBench(t)
	watch(t, dir)
	s := &stand{t: t, dir: dir}
	s.executor = begin(t, b.launch())
	s.furnish()
	return []*row{
		s.suffer("disk full", s.full(s.fullCell)),
		s.suffer("disk full in Keep", s.full(s.fullKeep)),
		s.suffer("disk full in Fit", s.full(s.fullFit)),
	}
}

// nested does the same in a name space where an ordinary user may mount.
func nested(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-rm", self, "-test.run", "^TestFaults$/^disk_full$", "-test.v", fmt.Sprintf("-times=%d", *times))
	cmd.Env = append(os.Environ(), nestedKey+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case !strings.Contains(string(out), "=== RUN"):
		t.Skipf("no name space for a small disk: %v: %s", err, out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	default:
		t.Logf("%s", out)
	}
}

// full fills the disk around f.
func (s *stand) full(f blow) blow {
	return func(i int) error {
		filler := filepath.Join(s.dir, "filler")
		defer os.Remove(filler)
		if err := fill(filler); err != nil {
			return err
		}
		return f(i)
	}
}

// fill writes a file until not one byte more fits.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 4
		case err != nil:
			return err
		}
	}
	return nil
}

// fullCell: a cell that cannot be built says why, whatever that is in the words of the one who could not write.
func (s *stand) fullCell(i int) error {
	reply, o, err := outcome(s.t.Context(), s, fmt.Sprintf("%%%%\nfmt.Println(\"full\", %d)", i))
	if err != nil {
		return err
	}
	told := reply.Value + strings.Join(reply.Traceback, "\n") + o.stderr.String()
	if reply.Status != "error" || !strings.Contains(told, "no space left on device") {
		return fmt.Errorf("%+v, %q", reply, o.stderr.String())
	}
	return nil
}

// fullKeep: the disk fills up while a cell runs; what it keeps then is refused, what was kept stays.
func (s *stand) fullKeep(int) error {
	filler := filepath.Join(s.dir, "filler")
	os.Remove(filler)
	r, err := launched(s.t.Context(), s, "%%\nfmt.Println(\"began\")\nfor { if _, err := os.Stat(\""+filler+"\"); err == nil { break } }\n"+
		"time.Sleep(300 * time.Millisecond)\nfmt.Println(\"error:\", cell.Keep(\"kept\", make([]byte, 100<<20)))", "began")
	if err != nil {
		return err
	}
	if err := fill(filler); err != nil {
		return err
	}
	if err := r.end(grace); err != nil {
		return err
	}
	if !strings.Contains(r.out.stdout.String(), "no space left on device") {
		return fmt.Errorf("%+v, stdout %q, stderr %q", r.reply, r.out.stdout.String(), r.out.stderr.String())
	}
	return nil
}

// fullFit: a training whose checkpoints cannot be written goes on, and says it.
func (s *stand) fullFit(i int) error {
	filler := filepath.Join(s.dir, "filler")
	os.Remove(filler)
	seed := 2000 + i
	r, err := launched(s.t.Context(), s, fmt.Sprintf(endlessFit, seed), "epoch 2/")
	if err != nil {
		return err
	}
	defer s.forget(seed)
	if err := fill(filler); err != nil {
		return err
	}
	before := r.out.stdoutBytes
	var histories []tl.History
	if err := r.stop(grace); err != nil {
		return err
	}
	if err := s.call(tl.VerbHistories, tl.ModelRequest{Model: victim.Seeded(int64(seed))}, &histories); err != nil {
		return err
	}
	if len(histories) != 1 || len(histories[0].Epochs) < 2 {
		return fmt.Errorf("after %d bytes of output: %+v", before, histories)
	}
	return nil
}
