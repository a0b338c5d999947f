package weights

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/nlpodyssey/gopickle/types"
)

// decodeLegacy reads the format before PyTorch 1.6: pickles of a magic number, a version, the system and the objects, a list of the
// storages' keys, and then the storages one after another, each with its size in 8 bytes before it. Nothing in it is a checksum.
func decodeLegacy(data []byte) (PTH, error) {
	rest := data
	next := func(storages map[string]*storage) (any, error) {
		value, length, err := unpickle(rest, storages)
		if err == nil {
			rest = rest[length:]
		}
		return value, err
	}
	magic, err := next(nil)
	if number, ok := magic.(*big.Int); err != nil || !ok || number.Text(16) != "1950a86a20f9469cfc6c" {
		return PTH{}, errors.New("neither a zip file nor PyTorch's old format (its magic number is missing)")
	}
	if version, err := next(nil); err != nil {
		return PTH{}, fmt.Errorf("protocol version: %w", err)
	} else if version != 1001 {
		return PTH{}, fmt.Errorf("protocol version %s, want 1001", describe(version))
	}
	system, err := next(nil)
	if err != nil {
		return PTH{}, fmt.Errorf("system: %w", err)
	}
	entries, _ := dictionary(system)
	for _, e := range entries {
		if e.Key == "little_endian" && e.Value != true {
			return PTH{}, errors.New("it was written on a big-endian machine: write it again on a little-endian one")
		}
	}
	storages := map[string]*storage{}
	state, err := next(storages)
	if err != nil {
		return PTH{}, fmt.Errorf("objects: %w", err)
	}
	list, err := next(nil)
	if err != nil {
		return PTH{}, fmt.Errorf("keys: %w", err)
	}
	keys, ok := list.(*types.List)
	if !ok {
		return PTH{}, fmt.Errorf("keys are %s, want a list", describe(list))
	}
	broken := cutAll(*keys, storages, rest)
	p, err := assemble(state, len(data), func(s *storage) error {
		if s.err == nil {
			return errors.New("the file does not hold it")
		}
		return s.err
	})
	if err == nil { // a storage that no tensor of the state needs is no reason to trust the rest
		err = broken
	}
	return p, err
}

// cutAll cuts the storages out of the rest of the file, in the order of keys, until one is broken.
func cutAll(keys types.List, storages map[string]*storage, rest []byte) error {
	for _, k := range keys {
		key, ok := k.(string)
		s, found := storages[key]
		if !ok || !found {
			return fmt.Errorf("storage %s belongs to no tensor", describe(k))
		}
		if s.raw, rest, s.err = cut(rest, s); s.err != nil {
			return fmt.Errorf("storage %.100q: %w", key, s.err)
		}
	}
	return nil
}

// cut takes the next storage off the file; the numbers are not copied.
func cut(data []byte, s *storage) (raw, rest []byte, err error) {
	const header = 8
	if len(data) < header {
		return nil, nil, errors.New("the file ends before its size")
	}
	size, data := little.Uint64(data), data[header:]
	if size != uint64(s.size) {
		return nil, nil, fmt.Errorf("it holds %d numbers, its tensors want %d", size, s.size)
	}
	if size > uint64(len(data)/s.class.bytes) {
		return nil, nil, fmt.Errorf("the file ends after %d of %d numbers", len(data)/s.class.bytes, size)
	}
	n := s.size * s.class.bytes
	return data[:n:n], data[n:], nil
}
