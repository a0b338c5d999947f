package remote

import (
	"encoding/gob"
	"errors"
	"io"
	"reflect"
)

// bounded reads so many bytes and no more.
type bounded struct {
	from io.Reader
	left int
}

var errTooLong = errors.New("more bytes than a call may have")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// decodeArgument is decoder.Decode for bytes that nobody vouches for. Gob trusts one length: it makes a map that is nil as large as the
// sender says, gigabytes for ten bytes. Maps that are there already grow by what comes.
func decodeArgument(decoder *gob.Decoder, in any) error {
	maps := nilMaps(nil, reflect.ValueOf(in))
	for _, m := range maps {
		m.Set(reflect.MakeMap(m.Type()))
	}
	err := decoder.Decode(in)
	for _, m := range maps {
		if m.Len() == 0 {
			m.SetZero() // gob sends no empty map
		}
	}
	return err
}

// nilMaps appends the maps that are nil in v and in the structs it holds.
func nilMaps(maps []reflect.Value, v reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return nilMaps(maps, v.Elem())
		}
	case reflect.Map:
		if v.IsNil() && v.CanSet() {
			return append(maps, v)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			maps = nilMaps(maps, v.Field(i))
		}
	}
	return maps
}
