package fetch

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestUnpacked(t *testing.T) {
	text, f := plain(t)
	s := emptyHome(t)
	fakePip(t, f, text, "")
	dir, err := Unpacked(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "apples", "a.txt"))
	if err != nil || string(got) != strings.Repeat("apple ", 5000) || len(leftovers(t, s)) > 0 {
		t.Errorf("%d bytes, %v, left %v", len(got), err, leftovers(t, s))
	}
}

// What is unpacked stays good without the archive, and a file in it that changed, shrank or went away is put right.
func TestUnpackedIsPutRight(t *testing.T) {
	text, f := plain(t)
	for name, spoil := range map[string]func(path string) error{
		"altered": func(path string) error { return os.WriteFile(path, []byte("x"), 0o644) }, // b.txt has one byte too
		"grown":   func(path string) error { return os.WriteFile(path, []byte("bb"), 0o644) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			emptyHome(t)
			fakePip(t, f, text, "")
			dir, err := Unpacked(t.Context(), f, nil)
			if err != nil {
				t.Fatal(err)
			}
			b := filepath.Join(dir, "apples", "b.txt")
			if err := spoil(b); err != nil {
				t.Fatal(err)
			}
			if _, err := Unpacked(t.Context(), f, nil); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(b); string(got) != "b" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Rot that leaves size and time alone is found when everything is read, and only then.
func TestAuditReadsEverything(t *testing.T) {
	text, f := plain(t)
	emptyHome(t)
	fakePip(t, f, text, "")
	dir, err := Unpacked(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Audit(f); got != dir || err != nil {
		t.Fatalf("got %s, %v", got, err)
	}
	b := filepath.Join(dir, "apples", "b.txt")
	info, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	write(t, b, []byte("x"))
	if err := os.Chtimes(b, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := Place(f); err != nil {
		t.Errorf("the quick look noticed, so this test tests nothing: %v", err)
	}
	if _, err := Audit(f); err == nil || !strings.Contains(err.Error(), "b.txt changed") {
		t.Errorf("got %v", err)
	}
}

// A copied home has other times: its files are read once and then trusted, not unpacked again.
func TestUnpackedWithOtherTimes(t *testing.T) {
	text, f := plain(t)
	s := emptyHome(t)
	calls := fakePip(t, f, text, "")
	dir, err := Unpacked(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.download(f)); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "apples", "a.txt"), past, past); err != nil {
		t.Fatal(err)
	}
	if _, err := Unpacked(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	if countLines(calls) != 1 || s.checkUnpacked(f, none) != nil {
		t.Errorf("pip ran %d times; then: %v", countLines(calls), s.checkUnpacked(f, none))
	}
}

func TestUnpackRefusesWhatLeavesTheFolder(t *testing.T) {
	for _, m := range []member{
		{name: "../out.txt", text: "x"}, {name: "a/../../out.txt", text: "x"}, {name: "/tmp/out.txt", text: "x"},
		{name: `..\out.txt`, text: "x"}, {name: "a/link", text: "/etc/passwd", mode: os.ModeSymlink},
	} {
		text, f := wheel(t, "evil", member{name: "good.txt", text: "good"}, m)
		s := emptyHome(t)
		fakePip(t, f, text, "")
		dir, err := Unpacked(t.Context(), f, nil)
		if err == nil || !strings.Contains(err.Error(), "unpack") {
			t.Errorf("%q: got %s, %v", m.name, dir, err)
		}
		if _, err := os.Stat(s.dir(f)); err == nil || len(leftovers(t, s)) > 0 {
			t.Errorf("%q: left %v", m.name, leftovers(t, s))
		}
	}
}

func TestManyProcessesFetchOnce(t *testing.T) {
	text, f := plain(t)
	s := emptyHome(t)
	calls := fakePip(t, f, text, "sleep 0.3")
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			out, err := child(t, f).CombinedOutput()
			if err != nil || string(out) != s.dir(f) {
				t.Errorf("child: %v: %s", err, out)
			}
		})
	}
	wait.Wait()
	if countLines(calls) != 1 {
		t.Errorf("pip ran %d times", countLines(calls))
	}
}

// A process killed while pip runs takes pip with it, and the next one starts clean.
func TestKilledWhileFetching(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	text, f := plain(t)
	s := emptyHome(t)
	pid := filepath.Join(t.TempDir(), "pid")
	fakePip(t, f, text, "[ -e '"+pid+"' ] || { echo half >\"$out/"+f.Name+"\"; echo $$ >'"+pid+"'; exec sleep 60; }")
	cmd := child(t, f)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pip at work", func() bool { return countLines(pid) == 1 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	number, _ := os.ReadFile(pid)
	eventually(t, "pip gone", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(number)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") // a zombie where nobody reaps
	})
	if len(leftovers(t, s)) == 0 {
		t.Fatal("the child was killed too late to leave anything")
	}
	dir, err := Unpacked(t.Context(), f, nil)
	if err != nil || len(leftovers(t, s)) > 0 {
		t.Errorf("got %s, %v, left %v", dir, err, leftovers(t, s))
	}
}

func TestKilledWhileUnpacking(t *testing.T) {
	text, f := wheel(t, "big", member{name: "zeros", text: strings.Repeat("\x00", 100<<20)})
	s := emptyHome(t)
	fakePip(t, f, text, "")
	cmd := child(t, f)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "some of the file", func() bool {
		info, err := os.Stat(filepath.Join(s.dirPart(f), "zeros"))
		return err == nil && info.Size() > 1<<20
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if len(leftovers(t, s)) == 0 {
		t.Fatal("the child was killed too late to leave anything")
	}
	if s.checkUnpacked(f, touched) == nil {
		t.Error("half a folder counts as unpacked")
	}
	dir, err := Unpacked(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "zeros")); err != nil || info.Size() != 100<<20 || len(leftovers(t, s)) > 0 {
		t.Errorf("%v, %v, left %v", info, err, leftovers(t, s))
	}
}

func TestDiskFull(t *testing.T) {
	home := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", home).Run() })
	t.Setenv("TLAB_HOME", home)
	s := store{home: home}

	text, f := wheel(t, "big", member{name: "zeros", text: strings.Repeat("\x00", 8<<20)})
	fakePip(t, f, text, "")
	if _, err := Unpacked(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("unpacking: got %v", err)
	}
	if _, err := os.Stat(s.dir(f)); err == nil || len(leftovers(t, s)) > 0 {
		t.Errorf("unpacking left %v", leftovers(t, s))
	}

	f.Name, f.Size = "huge.whl", 4<<20
	fakePip(t, f, make([]byte, 4<<20), "") // cp itself meets the full disk
	if _, err := Path(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("fetching: got %v", err)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(home, &disk); err != nil || disk.Bavail*uint64(disk.Bsize) < 900<<10 || len(leftovers(t, s)) > 0 {
		t.Errorf("fetching left %v on the disk, %d blocks free (%v)", leftovers(t, s), disk.Bavail, err)
	}
}

// A Debian package made here, through a fake apt-get and the real dpkg-deb.
func TestDebianPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("no Debian system")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "root", "DEBIAN", "control"), []byte("Package: pears\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"))
	write(t, filepath.Join(dir, "root", "usr", "share", "pears", "p.txt"), []byte("pear"))
	deb := filepath.Join(dir, "pears_1_all.deb")
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", filepath.Join(dir, "root"), deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	_, f := plain(t)
	f.Name, f.Package, f.Version, f.Kind = "pears_1_all.deb", "pears", "1", Debian
	f.Size, f.SHA256 = int64(len(text)), digest(text)
	bin := t.TempDir()
	script := "#!/bin/sh\n[ \"$1 $2 $3\" = 'download --quiet pears=1' ] && cp '" + deb + "' .\n"
	if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	emptyHome(t)
	got, err := Unpacked(t.Context(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := os.ReadFile(filepath.Join(got, "usr", "share", "pears", "p.txt")); string(p) != "pear" {
		t.Errorf("got %q, %v", p, err)
	}
}
