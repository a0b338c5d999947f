package datasets

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// The limits of an IDX file that is worth reading: they bound memory, whatever a header says.
const (
	maxIDXRows = 10_000_000
	maxIDXSide = 4096
	maxIDXData = 1 << 30 // bytes
)

// readIDX reads unsigned bytes in the IDX format (LeCun, Cortes and Burges, the MNIST page): two zero bytes, the type 8, the number of
// axes, each axis's length as a big-endian uint32, the data. It returns the lengths and the data.
//
// No length is trusted: memory grows with the bytes that are really there, and both too few and too many are errors.
func readIDX(r io.Reader, axes int) (shape []int, data []byte, err error) {
	head := make([]byte, 4+4*axes)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, fmt.Errorf("an IDX header has %d bytes: %w", len(head), err)
	}
	if head[0] != 0 || head[1] != 0 || head[2] != 8 || int(head[3]) != axes {
		return nil, nil, fmt.Errorf("it begins with % x instead of 00 00 08 %02x: no IDX file of bytes with %d axes", head[:4], axes, axes)
	}
	size := int64(1)
	for i := range axes {
		n := int64(binary.BigEndian.Uint32(head[4+4*i:]))
		limit := int64(maxIDXSide)
		if i == 0 {
			limit = maxIDXRows
		}
		if n < 1 || n > limit {
			return nil, nil, fmt.Errorf("axis %d has length %d; 1 to %d is possible", i, n, limit)
		}
		shape, size = append(shape, int(n)), size*n
		if size > maxIDXData {
			return nil, nil, fmt.Errorf("shape %v needs more than %d MB", shape, maxIDXData>>20)
		}
	}
	data, err = io.ReadAll(io.LimitReader(r, size+1))
	switch {
	case err != nil:
		return nil, nil, err
	case int64(len(data)) < size:
		return nil, nil, fmt.Errorf("shape %v needs %d bytes, %d are there: the file was cut off", shape, size, len(data))
	case int64(len(data)) > size:
		return nil, nil, fmt.Errorf("shape %v needs %d bytes and more are there", shape, size)
	}
	return shape, data, nil
}

// readIDXFile reads path, or path with .gz behind it, whichever is there.
func readIDXFile(path string, axes int) (shape []int, data []byte, err error) {
	path, err = idxFile(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	shape, data, err = readIDX(r, axes)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return shape, data, nil
}

// idxFile is the one of path and path.gz that is there.
func idxFile(path string) (string, error) {
	_, err := os.Stat(path)
	if err == nil {
		return path, nil
	}
	if _, err2 := os.Stat(path + ".gz"); err2 == nil {
		return path + ".gz", nil
	} else if !errors.Is(err2, os.ErrNotExist) {
		return "", err2
	}
	return "", err
}
