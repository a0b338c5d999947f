package datasets_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets"
)

// tree writes files with these contents under a new folder; a name that ends in a slash is an empty directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolder(t *testing.T) {
	dir := tree(t, map[string]string{
		"dog/b.JPG": "2", "dog/a.jpeg": "1", "dog/notes.txt": "x", "dog/.hidden.png": "x", "dog/more/deep.png": "x",
		"cat/z.png": "3", ".git/x.png": "x", "readme.md": "x",
	})
	ctx := context.Background()
	d := datasets.Folder(dir)
	classes, err := d.Classes(ctx)
	if err != nil || !slices.Equal(classes, []string{"cat", "dog"}) {
		t.Fatalf("classes %v, %v", classes, err)
	}
	items, err := d.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []datasets.Item{
		{ID: "cat/z.png", File: filepath.Join(dir, "cat/z.png"), Row: 0, Label: 0},
		{ID: "dog/a.jpeg", File: filepath.Join(dir, "dog/a.jpeg"), Row: 1, Label: 1},
		{ID: "dog/b.JPG", File: filepath.Join(dir, "dog/b.JPG"), Row: 2, Label: 1},
	}
	if !slices.Equal(items, want) {
		t.Errorf("%+v\ninstead of\n%+v", items, want)
	}
}

// TestFolderIsAbsolute: the engine is another process, perhaps with another working directory.
func TestFolderIsAbsolute(t *testing.T) {
	dir := tree(t, map[string]string{"images/cat/z.png": "3"})
	t.Chdir(dir)
	d := datasets.Folder("images")
	t.Chdir(os.TempDir())
	if n, err := d.Len(context.Background()); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestBadFolders(t *testing.T) {
	empty := tree(t, map[string]string{"cat/a.png": "1", "dog/": ""})
	loose := tree(t, map[string]string{"a.png": "1", "b.png": "1"})
	file := filepath.Join(loose, "a.png")
	for _, c := range []struct {
		dir  string
		want []string
	}{
		{filepath.Join(empty, "nothing"), []string{filepath.Join(empty, "nothing"), "no such file", "put one folder for each class into it"}},
		{empty, []string{filepath.Join(empty, "dog"), "holds no PNG or JPEG image", "remove it"}},
		{loose, []string{loose, "2 images lie in no class folder", "move each"}},
		{t.TempDir(), []string{"no class folder is in it", "put one folder for each class"}},
		{file, []string{file, "not a directory"}},
		{"~/images", []string{"write the path in full"}},
	} {
		err := errorOf(datasets.Folder(c.dir))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("folder %s: error %v, without %q", c.dir, err, want)
			}
		}
	}
}

func TestUnreadableFolder(t *testing.T) {
	dir := tree(t, map[string]string{"cat/a.png": "1"})
	class := filepath.Join(dir, "cat")
	if err := os.Chmod(class, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(class, 0o755)
	if _, err := os.ReadDir(class); err == nil {
		t.Skip("this user may read everything")
	}
	if err := errorOf(datasets.Folder(dir)); err == nil || !strings.Contains(err.Error(), `class "cat"`) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("error %v", err)
	}
}

func errorOf(d datasets.Dataset) error {
	_, err := d.Len(context.Background())
	return err
}

// TestHashes: equal bytes have equal hashes, under any name; an image that cannot be read is named.
func TestHashes(t *testing.T) {
	dir := tree(t, map[string]string{"a/1.png": "same", "a/2.png": "other", "b/1.png": "same"})
	hashes, err := datasets.Folder(dir).Hashes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(hashes) != 3 || hashes[0] != hashes[2] || hashes[0] == hashes[1] {
		t.Errorf("hashes %x", hashes)
	}
	bad := filepath.Join(dir, "a", "2.png")
	if err := os.WriteFile(bad, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := datasets.Folder(dir).Hashes(context.Background()); err == nil || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "empty") {
		t.Errorf("error %v", err)
	}
	whole, err := datasets.Shapes(50, 1).Hashes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	part, err := datasets.Shapes(60, 1).Rows(49, 0, 59).Hashes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if part[0] != whole[49] || part[1] != whole[0] || slices.Contains(whole, part[2]) {
		t.Error("the hash of a synthetic image depends on more than its seed and row")
	}
	other, err := datasets.Shapes(1, 2).Hashes(context.Background())
	if err != nil || other[0] == whole[0] {
		t.Errorf("another seed, the same hash (%v)", err)
	}
}
