package sockets

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenUnix(t *testing.T) {
	noLeaks(t)
	first := listen(t, "unix")
	path := first.Addr().String()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
	if l, err := Listen("unix", path); err == nil {
		l.Close()
		t.Error("listens where another does")
	} else if !strings.Contains(err.Error(), "another process listens") {
		t.Error(err)
	}
	if c, err := net.Dial("unix", path); err != nil { // and the first still does
		t.Error(err)
	} else {
		c.Close()
	}

	first.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed process leaves it
	first.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	second, err := Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a closed listener leaves its file: %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		file:                                 "no socket",
		filepath.Join(file, "x"):             "not a directory",
		"/nowhere/at/all":                    "no such file",
		"/tmp/" + strings.Repeat("long", 30): "at most 107 bytes",
	} {
		if l, err := Listen("unix", address); err == nil {
			l.Close()
			t.Errorf("listens on %s", address)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q (%v)", b, err)
	}
	if _, err := Listen("udp", "127.0.0.1:0"); err == nil {
		t.Error("listens on udp")
	}
}
