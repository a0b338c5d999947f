package weights

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// archive is a zip file whose records are not compressed.
type archive struct {
	records map[string]*zip.File // by path, inside the folder
	room    uint64               // bytes that may still be read: records may overlap, so that a small file could hold any amount
}

// decodeZip reads the format since PyTorch 1.6: NAME/data.pkl and one uncompressed record NAME/data/KEY for each storage.
func decodeZip(data []byte) (PTH, error) {
	a, err := openArchive(data, firstFolder)
	if err != nil {
		return PTH{}, err
	}
	if _, found := a.records["byteorder"]; found {
		order, err := a.record("byteorder")
		if err != nil {
			return PTH{}, err
		}
		if string(order) != "little" {
			return PTH{}, fmt.Errorf("byte order %.20q, want little", order)
		}
	}
	program, err := a.record("data.pkl")
	if err != nil {
		return PTH{}, err
	}
	state, _, err := unpickle(program, map[string]*storage{})
	if err != nil {
		return PTH{}, fmt.Errorf("data.pkl: %w", err)
	}
	return assemble(state, len(data), func(s *storage) error {
		raw, err := a.record("data/" + s.key)
		if err != nil {
			return err
		}
		if len(raw)/s.class.bytes != s.size || len(raw)%s.class.bytes != 0 {
			return fmt.Errorf("it has %d bytes, want %d numbers of %d bytes", len(raw), s.size, s.class.bytes)
		}
		s.raw = raw
		return nil
	})
}

func zipRecords(data []byte) ([]*zip.File, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("it begins like a zip file, but its directory is cut off or damaged: %w", err)
	}
	return z.File, nil
}

// openArchive lists the records that lie in a folder, which ends in "/" or is "".
func openArchive(data []byte, folder func([]*zip.File) string) (*archive, error) {
	records, err := zipRecords(data)
	if err != nil {
		return nil, err
	}
	a := &archive{records: map[string]*zip.File{}, room: uint64(len(data))}
	inFolder := folder(records)
	for _, f := range records {
		name, inside := strings.CutPrefix(f.Name, inFolder)
		if !inside {
			continue
		}
		if _, twice := a.records[name]; twice {
			return nil, fmt.Errorf("the archive holds %.100q twice", f.Name)
		}
		a.records[name] = f
	}
	return a, nil
}

// firstFolder is the first record's, which is the archive's, as PyTorch has it.
func firstFolder(records []*zip.File) string {
	if len(records) == 0 {
		return ""
	}
	folder, _, _ := strings.Cut(records[0].Name, "/")
	return folder + "/"
}

// noFolder is for archives that have none.
func noFolder([]*zip.File) string { return "" }

// record reads one file of the archive. PyTorch does not compress; a compressed record could claim any size, so it is refused.
func (a *archive) record(name string) ([]byte, error) {
	f, found := a.records[name]
	if !found {
		return nil, fmt.Errorf("the archive lacks %.100s", name)
	}
	if f.Method != zip.Store || f.UncompressedSize64 > a.room {
		return nil, fmt.Errorf("%.100s is compressed or larger than the file that holds it", name)
	}
	a.room -= f.UncompressedSize64
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%.100s: %w", name, err)
	}
	defer r.Close()
	raw := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("%.100s: %w", name, err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF { // the reader checks the CRC at the end
		if err == nil {
			err = errors.New("longer than it says")
		}
		return nil, fmt.Errorf("%.100s: %w", name, err)
	}
	return raw, nil
}
