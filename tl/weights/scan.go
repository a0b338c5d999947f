package weights

import (
	"bytes"
	"errors"
	"fmt"
)

// arguments says how many bytes of argument follow an opcode of pickle protocol 2, the one that PyTorch writes (Python's pickletools
// lists them). Opcodes that are not here do not occur in files of weights and are refused.
var arguments = map[byte]struct {
	fixed   int // bytes after the opcode
	counted int // of those, how many hold the length of what follows, little-endian
	lines   int // lines of text
}{
	'\x80': {fixed: 1},                    // PROTO
	'(':    {}, '.': {}, '0': {}, '1': {}, // MARK, STOP, POP, POP_MARK
	'N': {}, '\x88': {}, '\x89': {}, // NONE, NEWTRUE, NEWFALSE
	'J': {fixed: 4}, 'K': {fixed: 1}, 'M': {fixed: 2}, // BININT, BININT1, BININT2
	'\x8a': {fixed: 1, counted: 1},      // LONG1
	'G':    {fixed: 8},                  // BINFLOAT
	'X':    {fixed: 4, counted: 4},      // BINUNICODE
	'U':    {fixed: 1, counted: 1},      // SHORT_BINSTRING, from Python 2
	'T':    {fixed: 4, counted: 4},      // BINSTRING, from Python 2
	'c':    {lines: 2},                  // GLOBAL
	'q':    {fixed: 1}, 'r': {fixed: 4}, // BINPUT, LONG_BINPUT
	'h': {fixed: 1}, 'j': {fixed: 4}, // BINGET, LONG_BINGET
	'}': {}, ']': {}, ')': {}, 't': {}, // EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, TUPLE
	'\x85': {}, '\x86': {}, '\x87': {}, // TUPLE1, TUPLE2, TUPLE3
	'R': {}, 'b': {}, 'Q': {}, // REDUCE, BUILD, BINPERSID
	's': {}, 'u': {}, 'a': {}, 'e': {}, // SETITEM, SETITEMS, APPEND, APPENDS
}

// scan walks over one pickle and checks that every length in it lies inside the file.
func scan(program []byte) error {
	for at := 0; at < len(program); {
		op := program[at]
		args, known := arguments[op]
		if !known {
			return fmt.Errorf("opcode 0x%02x at byte %d, which PyTorch does not write", op, at)
		}
		at++
		if op == '.' {
			return nil
		}
		if len(program)-at < args.fixed {
			break
		}
		length := 0
		for i := args.counted - 1; i >= 0; i-- {
			length = length<<8 | int(program[at+i])
		}
		at += args.fixed
		if length > len(program)-at {
			return fmt.Errorf("a string of %d bytes at byte %d, where %d are left", length, at, len(program)-at)
		}
		at += length
		for range args.lines {
			end := bytes.IndexByte(program[at:], '\n')
			if end < 0 {
				return errors.New("the pickle ends inside a name")
			}
			at += end + 1
		}
	}
	return errors.New("the pickle has no end: the file is cut off")
}
