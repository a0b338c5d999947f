package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// openFolder lists dir/class/image. os.ReadDir sorts by name, so that rows keep their order from run to run. Hidden files and files
// that are neither PNG nor JPEG by name are passed over; links are followed.
func openFolder(dir string) (source, error) {
	const want = "put one folder for each class into it, with PNG or JPEG images inside"
	if dir == "" {
		return source{}, fmt.Errorf("datasets: open a folder: no directory is named; %s, and give its path to datasets.Folder", want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		hint := want
		if strings.Contains(dir, "~") {
			hint = "~ stands for the home directory in a shell only: write the path in full"
		}
		return source{}, fmt.Errorf("datasets: open folder %q: %w; %s", dir, err, hint)
	}
	src := source{content: fileContent}
	loose := 0
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			if err == nil && isImage(entry.Name()) {
				loose++
			}
			continue
		}
		files, err := imagesIn(path)
		if err != nil {
			return source{}, fmt.Errorf("datasets: open folder %q: class %q: %w", dir, entry.Name(), err)
		}
		if len(files) == 0 {
			return source{}, fmt.Errorf("datasets: open folder %q: the class folder %q holds no PNG or JPEG image; put images of that class into it, or remove it",
				dir, path)
		}
		for _, name := range files {
			src.items = append(src.items, Item{ID: entry.Name() + "/" + name, File: filepath.Join(path, name),
				Row: len(src.items), Label: len(src.classes)})
		}
		src.classes = append(src.classes, entry.Name())
	}
	if len(src.classes) == 0 && loose > 0 {
		return source{}, fmt.Errorf("datasets: open folder %q: its %d images lie in no class folder; move each into a folder named by its class", dir, loose)
	}
	if len(src.classes) == 0 {
		return source{}, fmt.Errorf("datasets: open folder %q: no class folder is in it; %s", dir, want)
	}
	return src, nil
}

// imagesIn lists the names of the images in dir, sorted.
func imagesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || !isImage(entry.Name()) {
			continue
		}
		names = append(names, entry.Name())
	}
	return names, nil
}

func isImage(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".png", ".jpg", ".jpeg":
		return true
	}
	return false
}
