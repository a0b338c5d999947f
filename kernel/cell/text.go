package cell

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

const (
	long    = 1000    // elements from which a slice is shown by its ends
	ends    = 10      // elements shown of each end
	longest = 100_000 // bytes of text
)

// text is one value as its reader expects it.
func text(value any) string {
	switch value := value.(type) {
	case nil:
		return "<nil>"
	case fmt.Formatter, error, fmt.Stringer:
		return bounded(fmt.Sprintf("%v", value))
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); strings.Contains(s, "\n") {
			return bounded(s)
		}
		return bounded(fmt.Sprintf("%q", value))
	case reflect.Func, reflect.Chan:
		return v.Type().String()
	case reflect.Slice, reflect.Array:
		if v.Len() > long {
			return bounded(shortened(v))
		}
	}
	return bounded(fmt.Sprintf("%+v", value))
}

// shortened shows a slice by its ends.
func shortened(v reflect.Value) string {
	var b strings.Builder
	n := v.Len()
	for i := 0; i < n; i++ {
		if i == ends {
			b.WriteString(" …")
			i = n - ends
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%+v", v.Index(i))
	}
	return fmt.Sprintf("[%s] (%s, %d elements)", b.String(), v.Type(), n)
}

// bounded cuts a text that no one reads to its end and that every copy of the notebook would hold.
func bounded(text string) string {
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes in all; fmt.Println shows them)", text[:cut], len(text))
}
