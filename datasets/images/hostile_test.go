package images

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"transferlab/datasets"
)

// pngHeader is a PNG file of width×height that ends after its header and a few bytes of data.
func pngHeader(width, height uint32) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(name), data...)
		out = binary.BigEndian.AppendUint32(append(out, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(nil, width)
	head = binary.BigEndian.AppendUint32(head, height)
	chunk("IHDR", append(head, 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return out
}

func encoded(t testing.TB, format string) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*7) | 3
	}
	var out bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&out, m)
	case "jpeg":
		err = jpeg.Encode(&out, m, nil)
	case "gif":
		err = gif.Encode(&out, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// hugeJPEG says 65,535×65,535 in its frame header.
func hugeJPEG(t *testing.T) []byte {
	file := bytes.Clone(encoded(t, "jpeg"))
	at := bytes.Index(file, []byte{0xff, 0xc0})
	if at < 0 {
		t.Fatal("no frame header")
	}
	copy(file[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	return file
}

// TestHostileFiles: each is refused by an error that names the file, says what is wrong, and costs no memory to speak of.
func TestHostileFiles(t *testing.T) {
	whole, photo := encoded(t, "png"), encoded(t, "jpeg")
	altered := bytes.Clone(whole)
	altered[len(altered)/2] ^= 0x40
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"zero.png":      {nil, "the file is empty"},
		"text.png":      {[]byte("hello, this is no image"), "neither PNG nor JPEG"},
		"animation.png": {encoded(t, "gif"), "it is a gif file; only PNG and JPEG are read"},
		"huge.png":      {pngHeader(100_000, 100_000), "100000×100000 pixels; up to 100 megapixels"},
		"long.png":      {pngHeader(1, 90_000_000), "1×90000000 pixels"},
		"huge.jpg":      {hugeJPEG(t), "65535×65535 pixels"},
		"cut.png":       {whole[:len(whole)-40], "damaged or cut off"},
		"cut.jpg":       {photo[:len(photo)*2/3], "damaged or cut off"},
		"header.png":    {whole[:20], "damaged or cut off"},
		"header.jpg":    {photo[:4], "damaged or cut off"},
		"altered.png":   {altered, "damaged or cut off"},
		"nodata.png":    {pngHeader(50, 50), "damaged or cut off"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "class", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.file, 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Pixels(context.Background(), datasets.Folder(dir), []int{0}, Options{Size: 8}, make([]uint8, 8*8*3))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, without %q or the file's name", name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Errorf("%s: took %d MB", name, took>>20)
		}
	}
}

// TestMissingImage: a file that went away after the folder was listed.
func TestMissingImage(t *testing.T) {
	dir := folder(t, map[string][]byte{"a/1.png": encoded(t, "png"), "a/2.png": encoded(t, "png")})
	ctx := context.Background()
	table, err := datasets.Folder(dir).Table(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "a", "2.png")); err != nil {
		t.Fatal(err)
	}
	err = Decode(ctx, table, datasets.Augmentation{}, []int{0, 1}, Options{Size: 4}, make([]uint8, 2*48))
	if err == nil || !strings.Contains(err.Error(), "2.png") {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode: no bytes make the decoder panic or return an image that is not of the size asked for.
func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, "png"), 5, false)
	f.Add(encoded(f, "jpeg"), 64, true)
	f.Add(pngHeader(100_000, 100_000), 3, true)
	f.Fuzz(func(t *testing.T, file []byte, size int, crop bool) {
		if config, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && int64(config.Width)*int64(config.Height) > 1_000_000 && int64(config.Width)*int64(config.Height) <= MaxPixels {
			t.Skip("allowed, and too slow for many runs")
		}
		o := Options{Size: 1 + size&63}
		if crop {
			o.Crop = 0.875
		}
		p, _, err := load(context.Background(), datasets.Content{Name: "fuzz", Bytes: file}, o, nil)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "images: decode fuzz: ") {
				t.Errorf("error %v", err)
			}
			return
		}
		if p.bounds().Dx() != o.Size || p.bounds().Dy() != o.Size {
			t.Errorf("%v instead of %d", p.bounds(), o.Size)
		}
		p.write(make([]uint8, o.Size*o.Size*3), flip{true, true})
	})
}

// TestPanicBecomesError: a slip inside a decoder must not end the engine; other panics are not hidden.
func TestPanicBecomesError(t *testing.T) {
	image.RegisterFormat("slip", "SLIP", func(io.Reader) (image.Image, error) {
		var none []int
		return image.NewGray(image.Rect(0, 0, none[3], 1)), nil
	}, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 1, Height: 1}, nil
	})
	if _, err := decodeFile([]byte("SLIPxxxx"), "png"); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("error %v", err)
	}
}
