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

const (
	maxPickle   = 4 << 20  // bytes of one pickle, some 20,000 tensors
	fewPieces   = 1000     // dictionaries, lists and tuples that may stand close together; beyond them there is one in pieceBytes at most:
	pieceBytes  = 8        // an empty dictionary costs one byte there and some 250 here, and a tensor takes 100 bytes and has 5 of them
	maxDepth    = 10_000   // marks that wait for their end: each costs one byte there and some 280 here
	maxBuilds   = 100      // BUILD copies a whole dictionary each time; a state_dict has one
	maxReferred = 64 << 20 // bytes of strings that are fetched again: gopickle prints whole lists into its errors
)

// effort is what running a pickle takes, estimated from above.
type effort struct {
	depth, builds     int
	pieces            int // dictionaries, lists and tuples
	longest, referred int // the longest string so far, and the sum of it over all references to earlier values
}

// add counts an opcode that stands at a place.
func (e *effort) add(op byte, at int) error {
	switch op {
	case '}', ']', ')', 't', '\x85', '\x86', '\x87':
		e.pieces++
	}
	if e.pieces > fewPieces+at/pieceBytes {
		return errors.New("more dictionaries, lists and tuples than any state_dict of its size has")
	}
	switch op {
	case '(':
		e.depth++
	case 't', 'u', 'e', '1':
		e.depth--
	case 'b':
		e.builds++
	case 'h', 'j':
		e.referred += e.longest
	}
	if e.depth > maxDepth || e.builds > maxBuilds || e.referred > maxReferred {
		return fmt.Errorf("more than %d nested tuples, %d objects with state or %d MiB of repeated strings, which no state_dict needs",
			maxDepth, maxBuilds, maxReferred>>20)
	}
	return nil
}

// scan walks over one pickle and checks that every length in it lies inside the file, that it names only what a file of weights needs
// and that running it takes little memory and time. It returns the pickle's length.
func scan(program []byte) (int, error) {
	var e effort
	for at := 0; at < len(program); {
		if at > maxPickle {
			return 0, fmt.Errorf("a pickle of more than %d MiB, which no state_dict needs", maxPickle>>20)
		}
		op := program[at]
		args, known := arguments[op]
		if !known {
			return 0, fmt.Errorf("opcode 0x%02x at byte %d, which PyTorch does not write", op, at)
		}
		at++
		if op == '.' {
			return at, nil
		}
		if err := e.add(op, at); err != nil {
			return 0, err
		}
		if len(program)-at < args.fixed {
			break
		}
		var length uint64
		for i := args.counted - 1; i >= 0; i-- {
			length = length<<8 | uint64(program[at+i])
		}
		at += args.fixed
		if length > uint64(len(program)-at) {
			return 0, fmt.Errorf("a string of %d bytes at byte %d, where %d are left", length, at, len(program)-at)
		}
		at += int(length)
		e.longest = max(e.longest, int(length))
		if args.lines == 2 {
			n, err := scanName(program[at:])
			if err != nil {
				return 0, err
			}
			at += n
		}
	}
	return 0, errors.New("the pickle has no end: the file is cut off")
}

// scanName checks the two lines that name a class and returns their length. gopickle resolves some names before it asks [findClass].
func scanName(text []byte) (int, error) {
	module, rest, found := bytes.Cut(text, []byte("\n"))
	name, _, foundName := bytes.Cut(rest, []byte("\n"))
	if !found || !foundName {
		return 0, errors.New("the pickle ends inside a name")
	}
	if string(module) != "collections" || string(name) != "OrderedDict" {
		if _, err := findClass(string(module), string(name)); err != nil {
			return 0, err
		}
	}
	return len(module) + len(name) + 2, nil
}
