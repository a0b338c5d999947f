package demo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{"bird", "bird"},
		{"  two\twords\n", "two words"},
		{"<script>alert(1)</script>", "<script>alert(1)<-script>"}, // text like any other, but a folder has no slash
		{"../../etc/passwd", "-..-etc-passwd"},
		{`..\..\windows`, `-..-windows`},
		{"...hidden", "hidden"}, {". .hidden", "hidden"},
		{"a\u202egpj.exe", "a gpj.exe"}, // what turns the direction of writing
		{"a\x00b", "a b"},
		{strings.Repeat("ß", 100), strings.Repeat("ß", MostName)},
		{"Vögel 鳥 🐦", "Vögel 鳥 🐦"},
		{"\xff", ""}, {"", ""}, {"..", ""}, {" . ", ""},
	} {
		b := board{}
		got, err := b.checkName(c.typed, nil)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q becomes %q, %v; want %q", c.typed, got, err, c.want)
		}
		if got != "" && !filepath.IsLocal(got) {
			t.Errorf("%q is no name of a folder", got)
		}
	}
}

func TestClasses(t *testing.T) {
	table := lay(t, Config{})
	first := table.state().Classes[0].ID
	path := "classes/" + itoa(first)
	table.add(first, 2)
	table.do(200, "PUT", path, asName("<img src=x onerror=alert(1)>"))
	table.do(409, "PUT", path, asName("CLASS 2"))
	table.do(400, "PUT", path, asName(" "))
	table.do(400, "PUT", path, []byte("{"))
	table.do(413, "PUT", path, bytes.Repeat([]byte(" "), 5000))
	table.do(404, "PUT", "classes/99", asName("x"))
	table.do(404, "PUT", "classes/x", asName("x"))
	state := table.state()
	if state.Classes[0].Name != "<img src=x onerror=alert(1)>" || len(state.Classes[0].Pictures) != 2 {
		t.Errorf("%+v", state.Classes)
	}
	on := func() (found []string) {
		found, _ = filepath.Glob(filepath.Join(table.server.cfg.Dir, "pictures-1", "*", "*.jpg"))
		return found
	}
	if got := on(); len(got) != 2 || !strings.Contains(got[0], "<img src=x onerror=alert(1)>") {
		t.Errorf("files %q", got)
	}
	table.do(200, "DELETE", "pictures/"+itoa(state.Classes[0].Pictures[0]), nil)
	table.do(404, "DELETE", "pictures/"+itoa(state.Classes[0].Pictures[0]), nil)
	if got := on(); len(got) != 1 {
		t.Errorf("after one is removed: %q", got)
	}
	table.do(200, "DELETE", path+"/pictures", nil)
	for n := len(table.state().Classes); n < MostClasses; n++ {
		table.do(200, "POST", "classes", asName(""))
	}
	table.do(409, "POST", "classes", asName(""))
	table.do(200, "DELETE", path, nil)
	table.do(404, "DELETE", path, nil)
	if got := on(); len(got) != 0 || len(table.state().Classes) != MostClasses-1 {
		t.Errorf("files %q, %d classes", got, len(table.state().Classes))
	}
}

// bomb is a PNG of a few bytes that claims w×h pixels.
func bomb(w, h uint32) []byte {
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	header = append(binary.BigEndian.AppendUint32(header, h), 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(header))
}

func TestUnreadablePictures(t *testing.T) {
	table := lay(t, Config{})
	class := table.state().Classes[0].ID
	whole := photo(t, 3)
	for _, c := range []struct {
		name string
		data []byte
		want int
		says string
	}{
		{"empty", nil, 400, "empty"},
		{"no picture", []byte("hello"), 415, "no picture"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), 415, "HEIC picture, as iPhones make them"},
		{"WebP", []byte("RIFF\x10\x00\x00\x00WEBPVP8 "), 415, "WebP"},
		{"GIF", []byte("GIF89a\x10\x00\x10\x00\x00\x00\x00"), 415, "GIF"},
		{"SVG", []byte("<svg onload='alert(1)'/>"), 415, "SVG"},
		{"a film", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00"), 415, "film"},
		{"a page", []byte("<html><script>alert(1)</script>"), 415, "no picture"},
		{"a bomb", bomb(60000, 60000), 413, "60000×60000 pixels"},
		{"the largest bomb", bomb(1<<31-1, 1<<31-1), 415, "no picture"},
		{"a strip", bomb(2_000_000, 10), 413, "2000000×10 pixels"}, // the engine would refuse it, and all pictures with it
		{"cut short", whole[:len(whole)-40], 422, "damaged"},
		{"a header alone", bomb(100, 100), 422, "damaged"},
		{"tiny", pngOf(t, 4, 4), 422, "too few"},
		{"too many bytes", append(whole, make([]byte, MostBytes)...), 413, "12 MB"},
		{"good", pngOf(t, 100, 50), 200, "id"},
	} {
		reply := table.do(c.want, "POST", "classes/"+itoa(class)+"/pictures", c.data)
		if !strings.Contains(reply, c.says) {
			t.Errorf("%s: %s does not say %q", c.name, reply, c.says)
		}
	}
	if state := table.state(); len(state.Classes[0].Pictures) != 1 {
		t.Errorf("%+v", state.Classes)
	}
	table.do(404, "POST", "classes/99/pictures", whole)
}

func TestMostPictures(t *testing.T) {
	table := lay(t, Config{})
	class := table.state().Classes[0].ID
	table.server.change(func(b *board) {
		for i := range MostPictures {
			b.pictures[-i-1] = &picture{class: b.classes[1]}
		}
	})
	table.do(409, "POST", "classes/"+itoa(class)+"/pictures", photo(t, 1))
}

func TestThumbnail(t *testing.T) {
	table := lay(t, Config{})
	class := table.state().Classes[0].ID
	table.do(200, "POST", "classes/"+itoa(class)+"/pictures", pngOf(t, 2000, 100))
	status, reply, header := table.send("GET", "/api/pictures/"+itoa(table.state().Classes[0].Pictures[0]), nil, nil)
	if status != 200 || header.Get("Content-Type") != "image/jpeg" || len(reply) > 4000 {
		t.Errorf("%d %v, %d bytes", status, header, len(reply))
	}
	table.do(404, "GET", "pictures/99", nil)
}
