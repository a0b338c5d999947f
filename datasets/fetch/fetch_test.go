package fetch

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestHome(t *testing.T) {
	t.Setenv("TLAB_HOME", "")
	t.Setenv("XDG_CACHE_HOME", "/x/cache")
	if home, err := Home(); home != "/x/cache/transferlab" || err != nil {
		t.Errorf("got %s, %v", home, err)
	}
	t.Setenv("TLAB_HOME", "/x/stick")
	if home, err := Home(); home != "/x/stick" || err != nil {
		t.Errorf("got %s, %v", home, err)
	}
	t.Setenv("TLAB_HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := Home(); err == nil || !strings.Contains(err.Error(), "TLAB_HOME") {
		t.Errorf("got %v without a home directory", err)
	}
}

func TestManifestIsWellFormed(t *testing.T) {
	sum, seen := regexp.MustCompile(`^[0-9a-f]{64}$`), map[string]bool{}
	for _, f := range All() {
		if !sum.MatchString(f.SHA256) || f.Size <= 0 || f.Package == "" || f.Version == "" || f.Licence == "" || filepath.Base(f.Name) != f.Name {
			t.Errorf("entry %+v is incomplete", f)
		}
		if seen[f.Name] || seen[f.SHA256] {
			t.Errorf("entry %s stands twice", f.Name)
		}
		seen[f.Name], seen[f.SHA256] = true, true
	}
}

// The real files, which other packages need in any case: fetched on a fresh machine, found on others.
func TestRealFilesHoldWhatTheManifestSays(t *testing.T) {
	for place, f := range map[string]File{XLALibrary: XLA, EfficientNetLite0Weights: EfficientNetLite0} {
		dir, err := Unpacked(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, place)); err != nil || info.Size() < 1e7 {
			t.Errorf("%s in %s: %v", place, f.Package, err)
		}
		began := time.Now()
		if _, err := Unpacked(t.Context(), f, nil); err != nil || time.Since(began) > 300*time.Millisecond {
			t.Errorf("the second look took %v: %v", time.Since(began), err)
		}
	}
}

func TestPathTakesADownloadWithoutAskingAnyone(t *testing.T) {
	text, f := plain(t)
	s := emptyHome(t)
	calls := fakePython(t, "exit 1")
	write(t, s.download(f), text)
	path, err := Path(t.Context(), f, nil)
	if err != nil || path != s.download(f) {
		t.Fatalf("got %s, %v", path, err)
	}
	if countLines(calls) != 0 {
		t.Error("pip was asked for a file that is here")
	}
}

func TestPathRefusesADamagedDownload(t *testing.T) {
	text, f := plain(t)
	flipped := append([]byte(nil), text...)
	flipped[len(flipped)/2] ^= 1
	for name, damaged := range map[string][]byte{
		"altered": flipped, "truncated": text[:len(text)/2], "empty": {}, "grown": append(append([]byte(nil), text...), 0),
	} {
		t.Run(name, func(t *testing.T) {
			s := emptyHome(t)
			calls := fakePip(t, f, text, "")
			write(t, s.download(f), damaged)
			var said []string
			path, err := Path(t.Context(), f, func(_, total int64, what string) {
				if total == 0 {
					said = append(said, what)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != string(text) {
				t.Errorf("the file is not the published one (%v)", err)
			}
			if countLines(calls) != 1 || len(said) != 1 || !strings.Contains(said[0], "refused") {
				t.Errorf("pip ran %d times, said %q", countLines(calls), said)
			}
		})
	}
}

// A file that was verified and then altered, with the same size, is noticed by its time.
func TestPathNoticesAnAlteredFileLater(t *testing.T) {
	text, f := plain(t)
	emptyHome(t)
	calls := fakePip(t, f, text, "")
	for range 2 {
		if _, err := Path(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	}
	if countLines(calls) != 1 {
		t.Fatalf("pip ran %d times for two calls", countLines(calls))
	}
	path, _ := Path(t.Context(), f, nil)
	text[0] ^= 1
	write(t, path, text)
	text[0] ^= 1
	if _, err := Path(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != string(text) || countLines(calls) != 2 {
		t.Errorf("the altered file stands (pip ran %d times)", countLines(calls))
	}
}

func TestPipGetsHashesAndNoSourcePackages(t *testing.T) {
	text, f := plain(t)
	emptyHome(t)
	calls := fakePip(t, f, text, `cat "$out/requirements.txt" >>"$(dirname "$0")/calls"`)
	if _, err := Path(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(calls)
	for _, want := range []string{"--require-hashes", "--only-binary=:all:", "--no-deps", "apples==1.0 --hash=sha256:" + f.SHA256} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	text, f := plain(t)
	other := append([]byte(nil), text...)
	other[9] ^= 1
	other2 := filepath.Join(t.TempDir(), "other")
	write(t, other2, other)
	for name, c := range map[string]struct{ script, want string }{
		"no network":    {"echo 'ERROR: Could not find a version that satisfies the requirement'; exit 1", "It said:\n\tERROR: Could not find"},
		"no pip":        {"echo '/usr/bin/python3: No module named pip' >&2; exit 1", "python3-pip"},
		"disk full":     {"echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1", "is full"},
		"nothing there": {"exit 0", "no such file"},
		"wrong file":    {"cp '" + other2 + "' \"$out/" + f.Name + "\"", "instead of " + f.SHA256},
	} {
		t.Run(name, func(t *testing.T) {
			s := emptyHome(t)
			fakePython(t, c.script)
			_, err := Path(t.Context(), f, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if name != "disk full" {
				for _, want := range []string{"apples", "1.0", f.SHA256, f.Name, s.downloads()} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v does not name %q", err, want)
					}
				}
			}
			if _, err := os.Stat(s.download(f)); err == nil || len(leftovers(t, s)) > 0 {
				t.Errorf("left %v, download: %v", leftovers(t, s), err)
			}
		})
	}
}

func TestNoPython(t *testing.T) {
	_, f := plain(t)
	emptyHome(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := Path(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "python3 is not on PATH") {
		t.Errorf("got %v", err)
	}
	f.Kind = Debian
	if _, err := Path(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "apt-get is not on PATH") {
		t.Errorf("got %v", err)
	}
}

func TestOtherPlatform(t *testing.T) {
	text, f := plain(t)
	emptyHome(t)
	calls := fakePip(t, f, text, "")
	f.Platform, f.Remedy = "plan9/mips", "or set X"
	_, err := Path(t.Context(), f, nil)
	if err == nil || !strings.Contains(err.Error(), "plan9/mips") || !strings.Contains(err.Error(), "or set X") || countLines(calls) != 0 {
		t.Errorf("got %v after %d calls", err, countLines(calls))
	}
}

func TestCancelEndsPip(t *testing.T) {
	_, f := plain(t)
	s := emptyHome(t)
	calls := fakePython(t, "sleep 60 & wait")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for countLines(calls) == 0 {
			time.Sleep(time.Millisecond)
		}
	}()
	began := time.Now()
	_, err := Path(ctx, f, nil)
	if err == nil || ctx.Err() == nil || time.Since(began) > 10*time.Second || len(leftovers(t, s)) > 0 {
		t.Errorf("got %v after %v, left %v", err, time.Since(began), leftovers(t, s))
	}
}

// A home that cannot be written is said so, before anything is fetched.
func TestHomeThatIsAFile(t *testing.T) {
	_, f := plain(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	t.Setenv("TLAB_HOME", file)
	if _, err := Path(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "set TLAB_HOME") {
		t.Errorf("got %v", err)
	}
}

func TestProgressEndsAtTheTotal(t *testing.T) {
	text, f := plain(t)
	emptyHome(t)
	fakePip(t, f, text, "")
	ends := map[string]bool{}
	last := map[string]int64{}
	_, err := Unpacked(t.Context(), f, func(done, total int64, what string) {
		if done < last[what] || done > total || ends[what] {
			t.Errorf("%s: %d of %d after %d (ended: %v)", what, done, total, last[what], ends[what])
		}
		last[what], ends[what] = done, done == total
	})
	if err != nil || !ends["fetching apples"] || !ends["unpacking apples"] {
		t.Errorf("ended: %v, %v", ends, err)
	}
}
