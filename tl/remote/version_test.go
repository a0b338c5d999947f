package remote

import (
	"encoding/gob"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// The first version's messages, as its programs still send and read them.
type (
	helloV1 struct {
		Version int
		Verb    string
	}
	frameV1 struct {
		Progress Progress
		Last     bool
		Error    string
		Result   bool
	}
)

// TestOtherVersions: programs and engines of other versions get one line that names both and the remedy.
func TestOtherVersions(t *testing.T) {
	client := serve(t, add)
	for sent, want := range map[any]string{
		helloV1{1, "add"}:              "this engine speaks version 2, the program version 1; restart the kernel",
		hello{Version + 1, "add", "s"}: "this engine speaks version 2, the program version 3; the engine is older than the checkout: run `tlab install`",
	} {
		connection, err := net.Dial("unix", client.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		encoder := gob.NewEncoder(connection)
		encoder.Encode(sent)
		encoder.Encode(question{"q", []float32{1}})
		var f frameV1
		if err := gob.NewDecoder(connection).Decode(&f); err != nil || !f.Last || !strings.Contains(f.Error, want) || strings.Contains(f.Error, "\n") {
			t.Errorf("%+v: %+v, %v; want one line with %q", sent, f, err, want)
		}
	}
}

// TestOldEngine: this client meets an engine of the first version, whose own words it shows.
func TestOldEngine(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("a socket in %s: %v", socket, err)
	}
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		var h helloV1
		if gob.NewDecoder(connection).Decode(&h) == nil && h.Version != 1 {
			gob.NewEncoder(connection).Encode(frameV1{Last: true, Error: fmt.Sprintf(
				"remote: this engine speaks version 1, the program version %d; restart the kernel after an update", h.Version)})
		}
	}()
	err = Client{Socket: socket, Session: "s"}.Call(t.Context(), "add", question{}, new(answer), nil)
	if err == nil || !strings.Contains(err.Error(), "version 1, the program version 2; restart the kernel") {
		t.Error(err)
	}
}
