package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The edits fit GoNB as it is pinned, and what they promise of Go and of GoNB's script holds.
func TestGoNBIsMended(t *testing.T) {
	lab := &Lab{Home: t.TempDir()}
	var err error
	if lab.Module, err = findModule(); err != nil {
		t.Fatal(err)
	}
	if err := lab.goTool().make(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(lab.Home, "gonb")
	if err := lab.copyGoNB(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	if err := patch(source, gonbEdits); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(source, "internal", "goexec", "wasm.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"lib", "wasm", "wasm_exec.js"`, "JUPYTERHUB_SERVICE_PREFIX", "if (!globalThis.Go)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the mended source lacks %s", want)
		}
	}
	root, err := exec.Command(lab.Program("go"), "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")); err != nil {
		t.Errorf("this Go does not have the script where the mended GoNB reads it: %v", err)
	}
	// Another version, or a second go, is refused before anything is built.
	if err := patch(source, gonbEdits); err == nil || !strings.Contains(err.Error(), "gonbEdits in kernel/setup are for another version") {
		t.Errorf("patching what is patched: %v", err)
	}
}

func TestVersionNamesTheEdits(t *testing.T) {
	was := gonbVersion()
	defer func(edits []edit) { gonbEdits = edits }(gonbEdits)
	gonbEdits = gonbEdits[1:]
	if now := gonbVersion(); now == was || !strings.HasPrefix(now, GoNBVersion+" ") {
		t.Errorf("%q and, with one edit less, %q", was, now)
	}
}
