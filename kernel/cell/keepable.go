package cell

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"reflect"
)

// keepable says why gob could not hold a value, and which part of it: gob's own words name no part, and a value that leads back to itself
// would end the process.
func keepable(v reflect.Value) error {
	t := types{begun: map[reflect.Type]bool{}}
	if err := t.check(v.Type(), v.Type().String()); err != nil || !t.unsure {
		return err
	}
	return checkValue(v, v.Type().String(), map[visit]bool{})
}

// types looks through the types of a value.
type types struct {
	begun  map[reflect.Type]bool // false once it is looked through
	unsure bool                  // only the value tells: a type holds itself, or an interface
}

func (t *types) check(x reflect.Type, at string) error {
	inside, known := t.begun[x]
	t.unsure = t.unsure || inside || x.Kind() == reflect.Interface
	if known || encodesItself(x) {
		return nil
	}
	t.begun[x] = true
	defer func() { t.begun[x] = false }()
	switch x.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return fmt.Errorf("%s cannot leave its process (%s); keep what it is made from", at, x)
	case reflect.Pointer:
		return t.check(x.Elem(), at)
	case reflect.Slice, reflect.Array:
		return t.check(x.Elem(), at+"[…]")
	case reflect.Map:
		if err := t.check(x.Key(), at+" key"); err != nil {
			return err
		}
		return t.check(x.Elem(), at+"[…]")
	case reflect.Struct:
		sent := 0
		for i := range x.NumField() {
			if f := x.Field(i); isSent(f) {
				sent++
				if err := t.check(f.Type, at+"."+f.Name); err != nil {
					return err
				}
			}
		}
		if sent == 0 {
			return fmt.Errorf("%s exports no field that could be written (%s); give it some, or a method GobEncode", at, x)
		}
	}
	return nil
}

// isSent reports whether gob writes a field; it leaves out the others without a word.
func isSent(f reflect.StructField) bool {
	t := f.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return f.IsExported() && t.Kind() != reflect.Chan && t.Kind() != reflect.Func
}

// encodesItself reports whether a type brings its own encoding, which may hold what gob does not see: time.Time, big.Int.
func encodesItself(t reflect.Type) bool {
	for _, x := range []reflect.Type{t, reflect.PointerTo(t)} {
		if x.Implements(reflect.TypeFor[gob.GobEncoder]()) || x.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) {
			return t.Kind() != reflect.Interface
		}
	}
	return false
}

// visit is a pointer on the way from the whole to a part.
type visit struct {
	t reflect.Type
	p uintptr
}

// checkValue follows a value's pointers and looks at what its interfaces hold.
func checkValue(v reflect.Value, at string, way map[visit]bool) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || v.Kind() == reflect.Slice && v.Len() == 0 {
			return nil
		}
		here := visit{v.Type(), v.Pointer()}
		if way[here] {
			return fmt.Errorf("%s leads back to itself (%s); keep it without that link", at, v.Type())
		}
		way[here] = true
		defer delete(way, here)
	}
	if encodesItself(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return checkValue(v.Elem(), at, way)
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		held := fmt.Sprintf("%s.(%s)", at, v.Elem().Type())
		if err := (&types{begun: map[reflect.Type]bool{}}).check(v.Elem().Type(), held); err != nil {
			return err
		}
		return checkValue(v.Elem(), held, way)
	case reflect.Slice, reflect.Array:
		if plainKind(v.Type().Elem().Kind()) {
			return nil
		}
		for i := range v.Len() {
			if err := checkValue(v.Index(i), fmt.Sprintf("%s[%d]", at, i), way); err != nil {
				return err
			}
		}
	case reflect.Map:
		for pairs := v.MapRange(); pairs.Next(); {
			if err := checkValue(pairs.Key(), at+" key", way); err != nil {
				return err
			}
			if err := checkValue(pairs.Value(), fmt.Sprintf("%s[%v]", at, pairs.Key()), way); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); isSent(f) {
				if err := checkValue(v.Field(i), at+"."+f.Name, way); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func plainKind(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}
