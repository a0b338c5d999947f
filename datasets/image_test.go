package datasets

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cat.png")
	if err := os.WriteFile(file, []byte("pixels"), 0o644); err != nil {
		t.Fatal(err)
	}
	table, err := Image(file).Table(context.Background())
	if err != nil || len(table.Items) != 1 || table.Items[0].ID != "cat.png" || len(table.Classes) != 1 {
		t.Fatalf("%+v, %v", table, err)
	}
	if content, err := table.Content(0); err != nil || string(content.Bytes) != "pixels" {
		t.Errorf("%q, %v", content.Bytes, err)
	}
	for path, want := range map[string]string{"": "no file is named", dir: "it is a folder; use datasets.Folder", filepath.Join(dir, "dog.png"): "no such file"} {
		if _, err := Image(path).Table(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", path, err, want)
		}
	}
}
