package fetch

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests run the package against a python3 of their own on PATH: a shell script that does what pip does with a wheel
// that the test made. Where a test needs a second process it starts its own binary, which runs [TestMain]'s child.

// member is one file of a wheel under test.
type member struct {
	name, text string
	mode       os.FileMode // 0 means a plain file
}

// wheel returns the bytes of a zip file and its manifest entry.
func wheel(t *testing.T, name string, members ...member) ([]byte, File) {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		header := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		header.SetMode(m.mode | 0o644)
		in, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), File{Name: name + "-1.0-py3-none-any.whl", Package: name, Version: "1.0",
		Size: int64(out.Len()), SHA256: digest(out.Bytes())}
}

// digest is the SHA-256 of text as the manifest writes it.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// plain is a wheel with two files.
func plain(t *testing.T) ([]byte, File) {
	return wheel(t, "apples", member{name: "apples/a.txt", text: strings.Repeat("apple ", 5000)}, member{name: "apples/b.txt", text: "b"})
}

// fakePython puts a python3 on PATH. It notes each call in the file calls, then runs script, in which $out is pip's target folder.
func fakePython(t *testing.T, script string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	text := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>'%s'\nfor out in \"$@\"; do :; done\n%s\n", calls, script)
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return calls
}

// fakePip is a python3 whose pip delivers those bytes under f's name, after running before.
func fakePip(t *testing.T, f File, text []byte, before string) (calls string) {
	t.Helper()
	source := filepath.Join(t.TempDir(), "published")
	write(t, source, text)
	return fakePython(t, fmt.Sprintf("%s\ncp '%s' \"$out/%s\"", before, source, f.Name))
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// emptyHome gives the test a cache directory of its own.
func emptyHome(t *testing.T) store {
	t.Helper()
	home := t.TempDir()
	t.Setenv("TLAB_HOME", home)
	return store{home: home}
}

// countLines returns how many lines a file has; 0 if there is none.
func countLines(path string) int {
	text, _ := os.ReadFile(path)
	return bytes.Count(text, []byte("\n"))
}

// leftovers lists what is in home beside finished files.
func leftovers(t *testing.T, s store) (list []string) {
	t.Helper()
	for _, pattern := range []string{"downloads/.part-*", "unpacked/*.part", "verified/.part-*"} {
		found, err := filepath.Glob(filepath.Join(s.home, pattern))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// childFile is the variable that makes this binary unpack one file, given in it as JSON, instead of running tests.
const childFile = "FETCH_TEST_CHILD"

func TestMain(m *testing.M) {
	text := os.Getenv(childFile)
	if text == "" {
		os.Exit(m.Run())
	}
	var f File
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		panic(err)
	}
	dir, err := Unpacked(context.Background(), f, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(dir)
}

// child returns a second process that unpacks f.
func child(t *testing.T, f File) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+string(text))
	return cmd
}

// eventually waits until is holds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}
