package fetch

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Stamp says what a finished file looked like when it was finished or verified. Reading 60 MB again at each start would
// cost more than the whole look at what is there may take; a stamp costs two system calls.
type Stamp struct {
	Version string    `json:"version"` // of what the file was made from
	SHA256  string    `json:"sha256"`
	Size    int64     `json:"size"` // bytes
	Time    time.Time `json:"time"` // last change
}

// ReadStamp reads the stamp at place.
func ReadStamp(place string) (Stamp, error) {
	var was Stamp
	text, err := os.ReadFile(place)
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	return was, err
}

// CheckStamp returns nil if path is as it was when it got the stamp at place, and is of that version.
func CheckStamp(place, path, version string) error {
	was, err := ReadStamp(place)
	if err != nil {
		return fmt.Errorf("fetch: read what is known of %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if was.Version != version {
		return fmt.Errorf("fetch: %s is of version %s instead of %s", path, was.Version, version)
	}
	if was.Size != info.Size() || !was.Time.Equal(info.ModTime()) {
		return fmt.Errorf("fetch: %s changed since it was verified", path)
	}
	return nil
}

// PutStamp records at place what path looks like now.
func PutStamp(place, path, version, sha256 string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	text, err := json.Marshal(Stamp{Version: version, SHA256: sha256, Size: info.Size(), Time: info.ModTime()})
	if err != nil {
		return err
	}
	return writeFile(place, text)
}

// writeFile writes a small file under a temporary name, in a folder that it makes, and renames it.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) // fails after the rename, as it should
	_, err = out.Write(text)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("fetch: write %s: %w", path, err)
	}
	return os.Rename(out.Name(), path)
}
