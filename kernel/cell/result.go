// Package cell is what a cell may import from the kernel: values that stay for later cells, and the value of its last expression.
//
// GoNB runs every cell as a new process, so a variable's value dies with its cell. Keep writes a value to the kernel's own folder, Get
// reads it back in any later cell:
//
//	%%
//	cell.Keep("primes", sieve(1_000_000))
//
//	%%
//	primes, err := cell.Get[[]int]("primes")
//
// A declaration does it for all cells to come, each of which then reads the value:
//
//	var primes, _ = cell.Get[[]int]("primes")
package cell

import (
	"encoding/base64"
	"fmt"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"
)

// resultKey names the file that takes results: one JSON object a line, {"data": {MIME type: text}, "metadata": {}}, as in Jupyter's
// execute_result. A file and not GoNB's pipe, since package gonbui would cost every cell 90 ms of building.
const resultKey = "TLAB_RESULT"

// Result shows values below the cell, as the kernel does with a cell's last expression. Numbers, slices, maps and structs look as %+v
// prints them, texts of one line as %q does, functions and channels as their type. What has a String method is shown by it, and one value
// with a method HTML, Markdown, Latex, SVG or JavaScript that returns a string, or PNG, JPEG or PDF that returns bytes, in that form too. A
// last value that is an error ends the cell with it; a nil error is left out. No values, and a single nil, show nothing.
func Result(values ...any) {
	if n := len(values); n > 0 {
		if err, is := values[n-1].(error); is && !isNil(err) {
			panic(err)
		} else if is || values[n-1] == nil {
			values = values[:n-1]
		}
	}
	if len(values) == 0 || len(values) == 1 && reflect.TypeOf(values[0]) == reflect.TypeFor[struct{}]() {
		return
	}
	file := os.Getenv(resultKey)
	if file == "" {
		fmt.Println(plain(values))
		return
	}
	if err := appendTo(file, bundle(values)); err != nil {
		// Better the value without its place than no value.
		fmt.Println(plain(values))
		fmt.Fprintf(os.Stderr, "cell: show the result: %v\n", err)
	}
}

// isNil reports whether a method call on v would meet a nil pointer.
func isNil(v any) bool {
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}

func appendTo(name string, line []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(line); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// bundle is the line for the kernel. It is written by hand because encoding/json would make each cell larger and slower to build.
func bundle(values []any) []byte {
	line := []byte(`{"data":{"text/plain":`)
	line = quote(line, plain(values))
	if len(values) == 1 && !isNil(values[0]) {
		for _, form := range forms(values[0]) {
			line = append(line, ',')
			line = append(quote(line, form[0]), ':')
			line = quote(line, form[1])
		}
	}
	return append(line, `},"metadata":{}}`+"\n"...)
}

// forms are pairs of a MIME type and a text. The methods are those that gophernotes asks for.
func forms(value any) (all [][2]string) {
	add := func(kind, text string) { all = append(all, [2]string{kind, text}) }
	bytes := func(kind string, raw []byte) { add(kind, base64.StdEncoding.EncodeToString(raw)) }
	if v, is := value.(interface{ HTML() string }); is {
		add("text/html", v.HTML())
	}
	if v, is := value.(interface{ Markdown() string }); is {
		add("text/markdown", v.Markdown())
	}
	if v, is := value.(interface{ Latex() string }); is {
		add("text/latex", v.Latex())
	}
	if v, is := value.(interface{ SVG() string }); is {
		add("image/svg+xml", v.SVG())
	}
	if v, is := value.(interface{ JavaScript() string }); is {
		add("application/javascript", v.JavaScript())
	}
	if v, is := value.(interface{ PNG() []byte }); is {
		bytes("image/png", v.PNG())
	}
	if v, is := value.(interface{ JPEG() []byte }); is {
		bytes("image/jpeg", v.JPEG())
	}
	if v, is := value.(interface{ PDF() []byte }); is {
		bytes("application/pdf", v.PDF())
	}
	return all
}

// quote appends text as a JSON string.
func quote(to []byte, text string) []byte {
	to = append(to, '"')
	for _, r := range text { // a byte that is no UTF-8 becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case r == '\n':
			to = append(to, `\n`...)
		case r < ' ':
			to = fmt.Appendf(to, `\u%04x`, r)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

// plain is what is read where nothing else can be shown.
func plain(values []any) string {
	texts := make([]string, len(values))
	between := ", "
	for i, value := range values {
		texts[i] = text(value)
		if strings.Contains(texts[i], "\n") {
			between = "\n"
		}
	}
	return strings.Join(texts, between)
}
