package weights

import (
	"bytes"
	"errors"
)

// nameOf is the text of the attribute "name" among a group's messages; "" where there is none, or none that is read: nothing depends on it
// but how variables are called.
func (f *hdf5File) nameOf(messages []message) string {
	for _, m := range messages {
		if m.kind != messageAttribute {
			continue
		}
		name, kind, value, err := attribute(m.body)
		if err != nil || name != "name" {
			continue
		}
		if text, err := f.text(kind, value); err == nil {
			return text
		}
	}
	return ""
}

var errAttribute = errors.New("an attribute is cut off")

// attribute is section IV.A.2.m: sizes of the name, the type and the shape, these three, and the value. Version 1 fills each up to eight bytes.
func attribute(body []byte) (name string, kind, value []byte, err error) {
	if len(body) < 9 || body[0] < 1 || body[0] > 3 {
		return "", nil, nil, errAttribute
	}
	rest := body[8:]
	if body[0] == 3 {
		rest = body[9:] // the name's character set
	}
	var parts [3][]byte
	for i := range parts {
		n := int(little.Uint16(body[2+2*i:]))
		filled := n
		if body[0] == 1 {
			filled = (n + 7) &^ 7
		}
		if filled > len(rest) {
			return "", nil, nil, errAttribute
		}
		parts[i], rest = rest[:n], rest[filled:]
	}
	return string(bytes.TrimRight(parts[0], "\x00")), parts[1], rest, nil
}

// text is a value of a text's type: its bytes, or the place of an object in a global heap (section III.E).
func (f *hdf5File) text(kind, value []byte) (string, error) {
	const fixed, variable, longest = 3, 9, 1 << 10
	if len(kind) < 8 {
		return "", errAttribute
	}
	switch size := little.Uint32(kind[4:]); kind[0] & 15 {
	case fixed:
		if uint64(size) > uint64(len(value)) || size > longest {
			return "", errAttribute
		}
		return string(bytes.TrimRight(value[:size], "\x00 ")), nil
	case variable:
		if len(value) < 16 || little.Uint32(value) > longest {
			return "", errAttribute
		}
		object, err := f.heapObject(little.Uint64(value[4:]), little.Uint32(value[12:]))
		if n := little.Uint32(value); err == nil && uint64(n) <= uint64(len(object)) {
			return string(object[:n]), nil
		}
	}
	return "", errAttribute
}

// heapObject finds an object in a collection of the global heap by its number.
func (f *hdf5File) heapObject(address uint64, index uint32) ([]byte, error) {
	head, err := f.signed("GCOL", address, 16)
	if err != nil {
		return nil, err
	}
	size := little.Uint64(head[8:])
	for at := uint64(16); at+16 <= size; {
		object, err := f.take(address+at, 16)
		if err != nil {
			return nil, err
		}
		number, length := uint32(little.Uint16(object)), little.Uint64(object[8:])
		if number == 0 || length > size {
			break // the free space behind the last object
		}
		if number == index {
			return f.take(address+at+16, length)
		}
		at += 16 + (length+7)&^7
	}
	return nil, errAttribute
}
