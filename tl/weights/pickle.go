package weights

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// unpickle runs the pickle that program begins with and returns its length, too. storages collects those that it names; nil where it
// must name none.
func unpickle(program []byte, storages map[string]*storage) (value any, length int, err error) {
	if length, err = scan(program); err != nil {
		return nil, 0, err
	}
	// gopickle panics on programs that are wrong in ways it did not foresee: an index beyond its stack, a type it did not expect.
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("malformed pickle: %v", p)
		}
	}()
	u := pickle.NewUnpickler(bytes.NewReader(program[:length]))
	u.FindClass = findClass
	u.PersistentLoad = func(id any) (any, error) {
		if storages == nil {
			return nil, errors.New("a storage where there should be none")
		}
		return findStorage(id, storages)
	}
	value, err = u.Load()
	return value, length, err
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
		return nil, fmt.Errorf("storage with class %s, key %s, size %s", describe(t.Get(1)), describe(t.Get(2)), describe(t.Get(4)))
	}
	if t.Len() == 6 && t.Get(5) != nil {
		return nil, fmt.Errorf("storage %.100q is a view of another, which only files older than PyTorch 0.4 have", key)
	}
	s, found := storages[key]
	if !found {
		s = &storage{key: key, class: class, size: size}
		storages[key] = s
	}
	if s.class.name != class.name || s.size != size {
		return nil, fmt.Errorf("storage %.100q is declared twice with different types or sizes", key)
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
			return nil, fmt.Errorf("%s is no length", describe(t.Get(i)))
		}
	}
	return numbers, nil
}
