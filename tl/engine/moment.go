package engine

import (
	"maps"
	"sync"
)

// moment is what moved, as it was after an epoch. It does not change.
type moment struct {
	values map[string]*value
	name   func() string // from the content: the same bits have the same name
}

func newMoment(values map[string]*value) *moment {
	return &moment{values, sync.OnceValue(func() string { return digest(values)[:32] })}
}

// bytes is what it holds in memory; a nil moment, an epoch that was let go, holds nothing.
func (m *moment) bytes() int64 {
	if m == nil {
		return 0
	}
	return bytesOf(m.values)
}

// stands tells whether all of it is what values hold.
func (m *moment) stands(values map[string]*value) bool {
	for path, v := range m.values {
		if values[path] != v {
			return false
		}
	}
	return true
}

// own are the values that are not the base's.
func (t *trained) own(values map[string]*value) map[string]*value {
	own := maps.Clone(values)
	maps.DeleteFunc(own, func(path string, v *value) bool { return t.base.values[path] == v })
	return own
}
