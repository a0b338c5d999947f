package fetch

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// contents is what an unpacked directory looked like when it was unpacked. It stands beside the directory, in verified.
type contents struct {
	SHA256 string  `json:"sha256"` // of the file that was unpacked
	Files  []entry `json:"files"`
}

// entry is one unpacked file: its slash-separated name, size in bytes, time and CRC-32 (IEEE).
type entry struct {
	Name string    `json:"name"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
	CRC  uint32    `json:"crc32"`
}

// errUnpack tells [store.explain] that the file is here and fetching it again would not help.
var errUnpack = errors.New("unpack")

func (s store) dir(f File) string {
	return filepath.Join(s.home, "unpacked", strings.TrimSuffix(f.Name, filepath.Ext(f.Name)))
}
func (s store) dirPart(f File) string { return s.dir(f) + ".part" }
func (s store) listing(f File) string {
	return filepath.Join(s.home, "verified", f.Name+".contents.json")
}

func (s store) unpacked(ctx context.Context, f File) (string, error) {
	if s.checkUnpacked(f, none) == nil {
		return s.dir(f), nil
	}
	unlock, err := s.lock(ctx, f.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if s.checkUnpacked(f, touched) == nil {
		return s.dir(f), nil
	}
	archive, err := s.pathLocked(ctx, f)
	if err != nil {
		return "", err
	}
	if err := s.unpack(ctx, f, archive); err != nil {
		return "", s.explain(f, fmt.Errorf("%w %s: %w", errUnpack, archive, err))
	}
	return s.dir(f), nil
}

// unpack replaces the directory of f by what is in archive.
func (s store) unpack(ctx context.Context, f File, archive string) error {
	part := s.dirPart(f)
	for _, old := range []string{s.listing(f), part, s.dir(f)} {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if f.Kind == Debian {
		step := Step{What: "unpacking " + f.Package, Dir: part}
		if err := Program(ctx, step, s.report, "dpkg-deb", "--extract", archive, part); err != nil {
			return err
		}
	} else if err := s.unzip(ctx, f, archive, part); err != nil {
		return err
	}
	list, err := survey(part)
	if err != nil {
		return err
	}
	text, err := json.Marshal(contents{SHA256: f.SHA256, Files: list})
	if err != nil {
		return err
	}
	if err := os.Rename(part, s.dir(f)); err != nil {
		return err
	}
	return writeFile(s.listing(f), text) // last: without it the directory does not count
}

// unzip unpacks a wheel. It refuses names that lead out of the directory, and anything but plain files.
func (s store) unzip(ctx context.Context, f File, archive, dir string) error {
	in, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	var total, done int64
	for _, member := range in.File {
		total += int64(member.UncompressedSize64)
	}
	what := "unpacking " + f.Package
	for _, member := range in.File {
		if strings.HasSuffix(member.Name, "/") {
			continue // folders are made with their files
		}
		if !filepath.IsLocal(filepath.FromSlash(member.Name)) || strings.Contains(member.Name, `\`) {
			return fmt.Errorf("the name %q leads out of the folder", member.Name)
		}
		if !member.Mode().IsRegular() {
			return fmt.Errorf("%q is no plain file", member.Name)
		}
		before := done
		err := unzipOne(ctx, member, filepath.Join(dir, filepath.FromSlash(member.Name)), func(n int64) {
			done = before + n
			s.tell(min(done, total-1), total, what)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
	}
	s.tell(total, total, what)
	return nil
}

// unzipOne writes one member of a zip file; the zip reader checks its CRC-32 and length.
func unzipOne(ctx context.Context, member *zip.File, path string, wrote func(int64)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := member.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(&counter{out: out, wrote: wrote}, &reader{ctx: ctx, in: in})
	return errors.Join(err, out.Close())
}

// counter tells how many bytes went through it.
type counter struct {
	out   io.Writer
	n     int64
	wrote func(int64)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	c.n += int64(n)
	c.wrote(c.n)
	return n, err
}

// survey lists the plain files below dir.
func survey(dir string) ([]entry, error) {
	var list []entry
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		crc, err := checksum(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		list = append(list, entry{Name: filepath.ToSlash(name), Size: info.Size(), Time: info.ModTime(), CRC: crc})
		return err
	})
	return list, err
}

func checksum(path string) (uint32, error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	sum := crc32.NewIEEE()
	_, err = io.Copy(sum, in)
	return sum.Sum32(), err
}

// reading says which files [store.checkUnpacked] reads to compare their CRC-32.
type reading int

const (
	none    reading = iota // size and time decide
	touched                // those whose time alone changed: a copied or restored home directory
	all
)

// checkUnpacked returns nil if every file of f's directory is as it was unpacked.
func (s store) checkUnpacked(f File, read reading) error {
	text, err := os.ReadFile(s.listing(f))
	if err != nil {
		return err
	}
	var was contents
	if err := json.Unmarshal(text, &was); err != nil {
		return err
	}
	if was.SHA256 != f.SHA256 || len(was.Files) == 0 {
		return fmt.Errorf("fetch: %s was unpacked from another file", s.dir(f))
	}
	changed := false
	for i, e := range was.Files {
		path := filepath.Join(s.dir(f), filepath.FromSlash(e.Name))
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		same := info.Size() == e.Size && info.ModTime().Equal(e.Time)
		if same && read != all {
			continue
		}
		crc := ^e.CRC
		if read != none && info.Size() == e.Size {
			if crc, err = checksum(path); err != nil {
				return err
			}
		}
		if crc != e.CRC {
			return fmt.Errorf("fetch: %s changed since it was unpacked", path)
		}
		was.Files[i].Time, changed = info.ModTime(), changed || !same
	}
	if !changed {
		return nil
	}
	if text, err = json.Marshal(was); err != nil {
		return err
	}
	return writeFile(s.listing(f), text)
}
