package weights

import (
	"errors"
	"fmt"
	"math"
)

// message is one property of an object: section IV.A.2 of the specification.
type message struct {
	kind int
	body []byte
}

const (
	messageDataspace    = 0x01
	messageLinkInfo     = 0x02
	messageDatatype     = 0x03
	messageLink         = 0x06
	messageLayout       = 0x08
	messageFilters      = 0x0b
	messageAttribute    = 0x0c
	messageContinuation = 0x10
	messageSymbolTable  = 0x11
)

// header lists an object's messages, whichever of the two layouts of section IV.A.1 it has.
func (f *hdf5File) header(address uint64) ([]message, error) {
	start, err := f.take(address, 16)
	if err != nil {
		return nil, err
	}
	if string(start[:4]) == "OHDR" {
		return f.newHeader(address, start)
	}
	if start[0] != 1 {
		return nil, fmt.Errorf("no object at address %d", address)
	}
	return f.messages(nil, address+16, uint64(little.Uint32(start[8:])), messageLayoutOf{head: 8, size: 2})
}

// newHeader is version 2: a signature, flags that say which fields follow, the messages and a checksum.
func (f *hdf5File) newHeader(address uint64, start []byte) ([]message, error) {
	flags := start[5]
	at := uint64(6)
	if flags&0x20 != 0 {
		at += 16 // four times
	}
	if flags&0x10 != 0 {
		at += 4 // how many attributes are many
	}
	width := uint64(1) << (flags & 3)
	field, err := f.take(address+at, width)
	if err != nil {
		return nil, err
	}
	var size uint64
	for i := range width {
		size |= uint64(field[i]) << (8 * i)
	}
	layout := messageLayoutOf{head: 4, size: 1, signature: "OCHK", checksum: 4}
	if flags&4 != 0 {
		layout.head += 2 // the order in which they were made
	}
	return f.messages(nil, address+at+width, size, layout)
}

// messageLayoutOf says how messages lie in a header of one of the two versions.
type messageLayoutOf struct {
	head      uint64 // bytes before a message's body
	size      int    // where in them its size is
	signature string // of a continuation
	checksum  uint64 // bytes at a continuation's end
}

// messages appends the messages in n bytes at an address, and those of the continuations that they point to.
func (f *hdf5File) messages(found []message, address, n uint64, layout messageLayoutOf) ([]message, error) {
	block, err := f.take(address, n)
	if err != nil {
		return nil, err
	}
	for uint64(len(block)) >= layout.head {
		kind, size := int(block[0]), uint64(little.Uint16(block[layout.size:]))
		if layout.size == 2 {
			kind = int(little.Uint16(block))
		}
		block = block[layout.head:]
		if size > uint64(len(block)) {
			return nil, errors.New("a message is longer than its header")
		}
		body := block[:size]
		block = block[size:]
		if kind != messageContinuation {
			found = append(found, message{kind, body})
			continue
		}
		if size < 16 {
			return nil, errors.New("a continuation is cut off")
		}
		at, length, skip := little.Uint64(body), little.Uint64(body[8:]), uint64(len(layout.signature))
		if length < skip+layout.checksum {
			return nil, errors.New("a continuation of no length")
		}
		if _, err := f.signed(layout.signature, at, skip); err != nil {
			return nil, err
		}
		if found, err = f.messages(found, at+skip, length-skip-layout.checksum, layout); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// linkHeap is the address of the fractal heap in a link info message, undefined where there is none.
func linkHeap(body []byte) (uint64, error) {
	at := 2
	if len(body) > 1 && body[1]&1 != 0 {
		at += 8 // the largest number of a link
	}
	if len(body) < at+8 {
		return 0, errors.New("its link information is cut off")
	}
	return little.Uint64(body[at:]), nil
}

// hardLink reads a link message, section IV.A.2.g.
func hardLink(body []byte) (link, error) {
	cut := errors.New("a link is cut off")
	if len(body) < 2 {
		return link{}, cut
	}
	flags, rest := body[1], body[2:]
	skip, kind := 0, byte(0)
	if flags&8 != 0 {
		if len(rest) < 1 {
			return link{}, cut
		}
		kind, skip = rest[0], 1
	}
	if flags&4 != 0 {
		skip += 8 // its number
	}
	if flags&16 != 0 {
		skip++ // the character set
	}
	width := 1 << (flags & 3)
	if len(rest) < skip+width {
		return link{}, cut
	}
	var length uint64
	for i := range width {
		length |= uint64(rest[skip+i]) << (8 * i)
	}
	rest = rest[skip+width:]
	if length > uint64(len(rest)) {
		return link{}, cut
	}
	name, rest := string(rest[:length]), rest[length:]
	if kind != 0 {
		return link{}, fmt.Errorf("%.100q is a link to elsewhere, which is not read", name)
	}
	if len(rest) < 8 {
		return link{}, cut
	}
	return link{name, little.Uint64(rest)}, nil
}

// dataset reads an array's type, shape and place; isDataset is false where the messages are not those of an array.
func (f *hdf5File) dataset(messages []message) (d dataset, isDataset bool, err error) {
	var space, kind, layout, filters []byte
	for _, m := range messages {
		switch m.kind {
		case messageDataspace:
			space = m.body
		case messageDatatype:
			kind = m.body
		case messageLayout:
			layout = m.body
		case messageFilters:
			filters = m.body
		}
	}
	if space == nil || kind == nil || layout == nil {
		return d, false, nil
	}
	if d.class, d.what, err = numberClass(kind); err != nil || d.what != "" {
		return d, true, err
	}
	if d.shape, err = f.shape(space); err != nil {
		return d, true, err
	}
	if filters != nil {
		return d, true, errors.New("it is compressed, which is not read")
	}
	size := uint64(d.class.bytes)
	for _, n := range d.shape {
		if n != 0 && size > uint64(len(f.data))/uint64(n) {
			return d, true, fmt.Errorf("shape %v has more numbers than the file", d.shape)
		}
		size *= uint64(n)
	}
	d.raw, err = f.numbers(layout, size)
	return d, true, err
}

// shape is section IV.A.2.b.
func (f *hdf5File) shape(body []byte) ([]int, error) {
	if len(body) < 4 || body[0] < 1 || body[0] > 2 {
		return nil, errors.New("its shape is not of version 1 or 2")
	}
	axes, at := int(body[1]), 4
	if body[0] == 1 {
		at = 8
	} else if body[3] == 2 {
		return []int{0}, nil // no shape at all: h5py's Empty
	}
	if axes > maxAxes || len(body) < at+8*axes {
		return nil, fmt.Errorf("a shape of %d axes in %d bytes; at most %d axes are read", axes, len(body), maxAxes)
	}
	shape := make([]int, axes)
	for i := range shape {
		n := little.Uint64(body[at+8*i:])
		if n > math.MaxInt32 {
			return nil, fmt.Errorf("axis %d has length %d", i, n)
		}
		shape[i] = int(n)
	}
	return shape, nil
}

// numberClass is section IV.A.2.d; what says what it is where it is no number that is read.
func numberClass(body []byte) (class storageClass, what string, err error) {
	if len(body) < 8 {
		return class, "", errors.New("its type is cut off")
	}
	kind, bits, bytes := body[0]&15, body[1], little.Uint32(body[4:])
	names := map[byte]string{2: "times", 3: "text", 4: "bits", 5: "opaque bytes, as which bfloat16 is stored", 6: "records", 7: "references",
		8: "an enumeration", 9: "text", 10: "arrays"}
	name := ""
	switch {
	case kind > 1 && names[kind] != "":
		return class, names[kind], nil
	case kind > 1:
		return class, "", fmt.Errorf("a type of class %d, which there is not", kind)
	case bits&1 != 0:
		return class, "", errors.New("its numbers are big-endian, which is not read")
	case kind == 0 && bits&8 != 0:
		name = map[uint32]string{1: "int8", 2: "int16", 4: "int32", 8: "int64"}[bytes]
	case kind == 0:
		name = map[uint32]string{1: "uint8"}[bytes]
	case len(body) >= 16: // the bits of the exponent and of the fraction
		name = map[[3]byte]string{{2, 5, 10}: "float16", {2, 8, 7}: "bfloat16", {4, 8, 23}: "float32", {8, 11, 52}: "float64"}[[3]byte{byte(bytes),
			body[13], body[15]}]
	}
	class, found := numbersOf(name)
	if !found {
		return class, "", fmt.Errorf("numbers of %d bytes and a type that is not read", bytes)
	}
	return class, "", nil
}

// numbers finds the array's bytes: section IV.A.2.i.
func (f *hdf5File) numbers(layout []byte, size uint64) ([]byte, error) {
	const compact, contiguous, chunked = 0, 1, 2
	if len(layout) < 4 || layout[0] < 3 || layout[0] > 4 {
		return nil, errors.New("its layout is not of version 3 or 4")
	}
	switch layout[1] {
	case compact:
		if n := uint64(little.Uint16(layout[2:])); n < size || uint64(len(layout)-4) < size {
			return nil, fmt.Errorf("it has %d bytes, want %d", n, size)
		}
		return layout[4 : 4+size], nil
	case contiguous:
		if len(layout) < 18 {
			return nil, errors.New("its layout is cut off")
		}
		address, n := little.Uint64(layout[2:]), little.Uint64(layout[10:])
		if n < size {
			return nil, fmt.Errorf("it has %d bytes, want %d", n, size)
		}
		if size == 0 {
			return nil, nil
		}
		return f.take(address, size)
	case chunked:
		return nil, errors.New("it is stored in chunks, which is not read")
	}
	return nil, fmt.Errorf("layout %d is not read", layout[1])
}
