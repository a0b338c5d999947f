package weights

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nlpodyssey/gopickle/types"

	"transferlab/tl"
)

// A .pth file is a Python pickle: a program for a stack machine that may name any Python function. Here it can name four: the
// constructor of an ordered dictionary, the two that rebuild a tensor, and the storages' types. Everything else is refused by name.
// gopickle runs the program, but allocates whatever a length in it asks for and knows classes of its own, so [scan] checks all lengths
// and names before it starts. Whatever a pickle made may contain itself, so no error prints it: see [describe].

// PTH is what a PyTorch file holds.
type PTH struct {
	Names     []string             // the tensors in the file's order
	Tensors   map[string]tl.Tensor // by name, as float32 whatever the file holds
	Converted map[string]string    // name → type of number, for those that the file does not hold as float32; nil where there are none
	Skipped   []string             // entries that are no tensors, such as an epoch
}

// maxFile bounds what is read into memory at once; a base of this lab has some 20 to 600 MB.
const maxFile = 4 << 30

// ReadPTH reads a PyTorch file, a state_dict or a dictionary that holds one under "state_dict", written by torch.save in the old format
// or in that of PyTorch 1.6, a zip file. Half, bfloat16, double and integer tensors become float32; doubles lose precision. Errors
// name the file and, where one is at fault, the tensor.
func ReadPTH(file string) (PTH, error) {
	data, err := readWhole(file)
	if err != nil {
		return PTH{}, fmt.Errorf("weights: read PyTorch file: %w", err)
	}
	state, err := decodePTH(data)
	if err != nil {
		return PTH{}, fmt.Errorf("weights: read PyTorch file %s: %w", file, err)
	}
	return state, nil
}

// storage is a run of numbers that tensors are views of.
type storage struct {
	key   string
	class storageClass
	size  int    // in numbers, as the pickle says it
	raw   []byte // size numbers, once they were found in the file
	err   error  // why they were not
}

// view is a tensor before its storage is read.
type view struct {
	storage      *storage
	offset       int
	size, stride []int
}

func decodePTH(data []byte) (PTH, error) {
	if len(data) == 0 {
		return PTH{}, errors.New("the file is empty")
	}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return decodeZip(data)
	}
	return decodeLegacy(data)
}

// assemble collects the tensors of a state_dict. fileSize bounds what they may hold together: no file has more numbers than bytes,
// unless its tensors show the same numbers many times over. fill finds the numbers of a storage.
func assemble(state any, fileSize int, fill func(*storage) error) (PTH, error) {
	p := PTH{Tensors: map[string]tl.Tensor{}}
	entries, ok := dictionary(state)
	if !ok {
		return p, fmt.Errorf("the file holds %s, want a dictionary of tensors", describe(state))
	}
	for _, e := range entries {
		if e.Key != "state_dict" {
			continue
		}
		if inner, ok := dictionary(e.Value); ok {
			entries = inner
		}
		break
	}
	room := fileSize
	for _, e := range entries {
		name, named := e.Key.(string)
		v, ok := e.Value.(*view)
		if !named || !ok {
			p.Skipped = append(p.Skipped, keyText(e.Key))
			continue
		}
		if v.storage.raw == nil {
			if err := fill(v.storage); err != nil {
				return p, fmt.Errorf("tensor %s: storage %s: %w", name, v.storage.key, err)
			}
		}
		t, err := v.tensor(room)
		if err != nil {
			return p, fmt.Errorf("tensor %s: %w", name, err)
		}
		if _, twice := p.Tensors[name]; twice {
			return p, fmt.Errorf("tensor %s: it is there twice", name)
		}
		room -= len(t.Data)
		p.Names, p.Tensors[name] = append(p.Names, name), t
		p.Converted = noteType(p.Converted, name, v.storage.class)
	}
	if len(p.Names) == 0 {
		return p, errors.New("the file holds no tensors")
	}
	return p, nil
}

// noteType remembers the type of a tensor's numbers where it is not the one they are read as.
func noteType(converted map[string]string, name string, class storageClass) map[string]string {
	if class.number == "float32" {
		return converted
	}
	if converted == nil {
		converted = map[string]string{}
	}
	converted[name] = class.number
	return converted
}

func dictionary(v any) ([]types.DictEntry, bool) {
	switch d := v.(type) {
	case *types.Dict:
		return *d, true
	case *types.OrderedDict:
		var entries []types.DictEntry
		for e := d.List.Front(); e != nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			entries = append(entries, types.DictEntry{Key: entry.Key, Value: entry.Value})
		}
		return entries, true
	}
	return nil, false
}

// keyText is a dictionary's key as text.
func keyText(key any) string {
	if text, ok := key.(string); ok {
		return text
	}
	return describe(key)
}

// describe says what a value of a pickle is. It never descends: a list may hold itself, and printing that ends the process.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return fmt.Sprintf("%.100q", v)
	case int, bool, float64:
		return fmt.Sprint(v)
	case storageClass:
		return "torch." + v.name
	}
	return fmt.Sprintf("a value of type %T", v)
}
