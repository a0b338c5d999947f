package lessons_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A verb that lessons use is renamed, in a copy that the compiler sees in place of the file: the lessons do not build any more. Since lessons are
// compiled like everything else by go test, no change of the words of tl leaves a notebook behind that cannot run.
func TestAChangeOfTheAPIBreaksTheLesson(t *testing.T) {
	file, err := filepath.Abs(filepath.Join("..", "tl", "base.go"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(source, []byte("func (b Base) Represent("), []byte("func (b Base) Describe("), 1)
	if bytes.Equal(changed, source) {
		t.Fatalf("%s does not declare Represent any more: let this test rename another verb", file)
	}
	dir := t.TempDir()
	copied, overlay := filepath.Join(dir, "base.go"), filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {file: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{copied: changed, overlay: replaced} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "test", "-run", "^$", "-overlay", overlay, "./07-fine-tuning").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "lesson_test.go") || !strings.Contains(string(out), "Represent") {
		t.Errorf("go test says %v:\n%s", err, out)
	}
}
