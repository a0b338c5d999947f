package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"

	"transferlab/tl"
)

// A .pth file is a Python pickle: a program for a stack machine that may name any Python function. Here it can name four: the
// constructor of an ordered dictionary, the two that rebuild a tensor, and the storages' types. Everything else is refused by name.
// gopickle runs the program, but allocates whatever a length in it asks for, so [scan] checks all lengths before it starts.

// PTH is what a PyTorch file holds.
type PTH struct {
	Names   []string             // the tensors in the file's order
	Tensors map[string]tl.Tensor // by name, as float32 whatever the file holds
	Skipped []string             // entries that are no tensors, such as an epoch
}

// ReadPTH reads a PyTorch file, a state_dict or a dictionary that holds one under "state_dict", written by torch.save in the old format
// or in that of PyTorch 1.6, a zip file. Half, bfloat16, double and integer tensors become float32; doubles lose precision. Errors
// name the file and, where one is at fault, the tensor.
func ReadPTH(file string) (PTH, error) {
	data, err := os.ReadFile(file)
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
}

// view is a tensor before its storage is read.
type view struct {
	storage      *storage
	offset       int
	size, stride []int
}

func decodePTH(data []byte) (PTH, error) {
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return decodeZip(data)
	}
	return decodeLegacy(data)
}

// decodeZip reads the format since PyTorch 1.6: NAME/data.pkl and one uncompressed record NAME/data/KEY for each storage.
func decodeZip(data []byte) (PTH, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return PTH{}, err
	}
	records := map[string]*zip.File{}
	for _, f := range archive.File {
		folder, name := path.Split(f.Name)
		switch path.Base(folder) {
		case "data":
			name = "data/" + name
		}
		records[name] = f
	}
	program, err := record(records, "data.pkl", int64(len(data)))
	if err != nil {
		return PTH{}, err
	}
	storages := map[string]*storage{}
	state, err := unpickle(bytes.NewReader(program), storages)
	if err != nil {
		return PTH{}, fmt.Errorf("data.pkl: %w", err)
	}
	for key, s := range storages {
		if s.raw, err = record(records, "data/"+key, int64(len(data))); err != nil {
			return PTH{}, err
		}
		if len(s.raw)/s.class.bytes != s.size || len(s.raw)%s.class.bytes != 0 {
			return PTH{}, fmt.Errorf("storage %s has %d bytes, want %d numbers of %d bytes", key, len(s.raw), s.size, s.class.bytes)
		}
	}
	return assemble(state, len(data))
}

// record reads one file of the archive. PyTorch does not compress; a compressed record could claim any size, so it is refused.
func record(records map[string]*zip.File, name string, limit int64) ([]byte, error) {
	f, found := records[name]
	if !found {
		return nil, fmt.Errorf("the archive lacks %s", name)
	}
	if f.Method != zip.Store || f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s is compressed or larger than the file that holds it", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	raw := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF { // the reader checks the CRC at the end
		return nil, fmt.Errorf("%s: %w", name, cmpErr(err))
	}
	return raw, nil
}

func cmpErr(err error) error {
	if err == nil {
		return errors.New("longer than it says")
	}
	return err
}

// decodeLegacy reads the format before PyTorch 1.6: pickles of a magic number, a version, the system and the objects, a list of the
// storages' keys, and then the storages one after another, each with its size in 8 bytes before it.
func decodeLegacy(data []byte) (PTH, error) {
	r := bytes.NewReader(data)
	magic, err := unpickle(r, nil)
	if number, ok := magic.(*big.Int); err != nil || !ok || number.Text(16) != "1950a86a20f9469cfc6c" {
		return PTH{}, errors.New("neither a zip file nor PyTorch's old format (its magic number is missing)")
	}
	if version, err := unpickle(r, nil); err != nil || version != 1001 {
		return PTH{}, fmt.Errorf("protocol version %v, want 1001", version)
	}
	if _, err := unpickle(r, nil); err != nil {
		return PTH{}, fmt.Errorf("system: %w", err)
	}
	storages := map[string]*storage{}
	state, err := unpickle(r, storages)
	if err != nil {
		return PTH{}, fmt.Errorf("objects: %w", err)
	}
	list, err := unpickle(r, nil)
	if err != nil {
		return PTH{}, fmt.Errorf("keys: %w", err)
	}
	keys, ok := list.(*types.List)
	if !ok {
		return PTH{}, fmt.Errorf("keys are a %T, want a list", list)
	}
	for _, k := range *keys {
		key, _ := k.(string)
		s, found := storages[key]
		if !found {
			return PTH{}, fmt.Errorf("storage %q belongs to no tensor", key)
		}
		if s.raw, err = take(r, s); err != nil {
			return PTH{}, fmt.Errorf("storage %s: %w", key, err)
		}
	}
	return assemble(state, len(data))
}

// take reads the next storage, shared with the file's bytes.
func take(r *bytes.Reader, s *storage) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("the file ends before its size: %w", err)
	}
	size := binary.LittleEndian.Uint64(length[:])
	if size != uint64(s.size) {
		return nil, fmt.Errorf("it holds %d numbers, its tensors want %d", size, s.size)
	}
	if size > uint64(r.Len()/s.class.bytes) {
		return nil, fmt.Errorf("the file ends after %d of %d numbers", r.Len()/s.class.bytes, size)
	}
	raw := make([]byte, s.size*s.class.bytes)
	_, err := io.ReadFull(r, raw)
	return raw, err
}

// unpickle runs the next pickle of r. storages collects those that it names; nil where it must name none.
func unpickle(r *bytes.Reader, storages map[string]*storage) (value any, err error) {
	rest := make([]byte, r.Len())
	if _, err := r.ReadAt(rest, r.Size()-int64(r.Len())); err != nil {
		return nil, err
	}
	if err := scan(rest); err != nil {
		return nil, err
	}
	// gopickle panics on programs that are wrong in ways it did not foresee: an index beyond its stack, a type it did not expect.
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("malformed pickle: %v", p)
		}
	}()
	u := pickle.NewUnpickler(r)
	u.FindClass = findClass
	u.PersistentLoad = func(id any) (any, error) {
		if storages == nil {
			return nil, errors.New("a storage where there should be none")
		}
		return findStorage(id, storages)
	}
	return u.Load()
}

// findStorage answers a persistent id: ("storage", class, key, place, size[, view]).
func findStorage(id any, storages map[string]*storage) (any, error) {
	t, ok := id.(*types.Tuple)
	if !ok || t.Len() < 5 || t.Len() > 6 || t.Get(0) != "storage" {
		return nil, errors.New("a persistent id that is no storage")
	}
	class, classOK := t.Get(1).(storageClass)
	key, keyOK := t.Get(2).(string)
	size, sizeOK := t.Get(4).(int)
	if !classOK || !keyOK || !sizeOK || size < 0 || size > math.MaxInt64/16 {
		return nil, fmt.Errorf("storage with class %v, key %v, size %v", t.Get(1), t.Get(2), t.Get(4))
	}
	if t.Len() == 6 && t.Get(5) != nil {
		return nil, fmt.Errorf("storage %s is a view of another, which only files older than PyTorch 0.4 have", key)
	}
	s, found := storages[key]
	if !found {
		s = &storage{key: key, class: class, size: size}
		storages[key] = s
	}
	if s.class.name != class.name || s.size != size {
		return nil, fmt.Errorf("storage %s is declared twice with different types or sizes", key)
	}
	return s, nil
}

// rebuild is torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).
type rebuild struct{}

// Call implements gopickle's types.Callable.
func (rebuild) Call(args ...any) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("_rebuild_tensor_v2 with %d arguments", len(args))
	}
	s, storageOK := args[0].(*storage)
	offset, offsetOK := args[1].(int)
	size, sizeErr := lengths(args[2])
	stride, strideErr := lengths(args[3])
	if !storageOK || !offsetOK || offset < 0 || sizeErr != nil || strideErr != nil || len(size) != len(stride) {
		return nil, errors.New("_rebuild_tensor_v2 with arguments that are no storage, offset, size and stride")
	}
	return &view{storage: s, offset: offset, size: size, stride: stride}, nil
}

// rebuildParameter is torch._utils._rebuild_parameter(tensor, requires_grad, hooks).
type rebuildParameter struct{}

// Call implements gopickle's types.Callable.
func (rebuildParameter) Call(args ...any) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("_rebuild_parameter without a tensor")
	}
	return args[0], nil
}

func lengths(tuple any) ([]int, error) {
	const maxAxes = 8
	t, ok := tuple.(*types.Tuple)
	if !ok || t.Len() > maxAxes {
		return nil, fmt.Errorf("want a tuple of at most %d numbers", maxAxes)
	}
	numbers := make([]int, t.Len())
	for i := range numbers {
		if numbers[i], ok = t.Get(i).(int); !ok || numbers[i] < 0 || numbers[i] > math.MaxInt32 {
			return nil, fmt.Errorf("%v is no length", t.Get(i))
		}
	}
	return numbers, nil
}

// assemble collects the tensors of a state_dict. fileSize bounds what they may hold together: no file has more numbers than bytes,
// unless its tensors show the same numbers many times over.
func assemble(state any, fileSize int) (PTH, error) {
	p := PTH{Tensors: map[string]tl.Tensor{}}
	entries, ok := dictionary(state)
	if !ok {
		return p, fmt.Errorf("the file holds a %T, want a dictionary of tensors", state)
	}
	for _, e := range entries {
		if inner, ok := dictionary(e.Value); ok && e.Key == "state_dict" {
			entries = inner
			break
		}
	}
	room := fileSize
	for _, e := range entries {
		name, named := e.Key.(string)
		v, ok := e.Value.(*view)
		if !named || !ok {
			p.Skipped = append(p.Skipped, fmt.Sprint(e.Key))
			continue
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
	}
	if len(p.Names) == 0 {
		return p, errors.New("the file holds no tensors")
	}
	return p, nil
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
