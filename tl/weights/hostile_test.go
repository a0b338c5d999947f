package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"transferlab/tl"
)

func tensorOf(shape []int, data []float32) tl.Tensor { return tl.Tensor{Shape: shape, Data: data} }

// refused checks that a file is answered by an error that names it and says what is wanted, without allocating more than allowance.
func refused(t *testing.T, what string, data []byte, allowance uint64, want string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bad.pth")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err := ReadPTH(file)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one that names the file and says %q", what, err, want)
		return
	}
	if len(err.Error()) > 1000 {
		t.Errorf("%s: the error has %d bytes", what, len(err.Error()))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > allowance {
		t.Errorf("%s: %d bytes allocated for a file of %d", what, used, len(data))
	}
	if took > 20*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
}

const small = 1 << 20

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFilesThatAreNoWeights(t *testing.T) {
	refused(t, "empty", nil, small, "the file is empty")
	refused(t, "text", []byte("<html>404</html>"), small, "neither a zip file nor PyTorch's old format")
	refused(t, "a plain pickle", readTestdata(t, "plain.pickle"), small, "neither a zip file")
	refused(t, "a zip of something else", zipOf(t, zip.Store, "other/readme", "hello"), small, "lacks data.pkl")
	for _, format := range []string{".old.pth", ".zip.pth"} {
		for name, want := range map[string]string{
			"complex": "torch.ComplexFloatStorage cannot be read",
			"nothing": "no tensors", "list": "want a dictionary of tensors", "module": "torch.nn.modules.linear.Linear",
		} {
			if format == ".old.pth" && name == "module" {
				want = "refused" // the old format stores a module's source beside it
			}
			refused(t, name+format, readTestdata(t, name+format), small, want)
		}
	}
	if _, err := ReadPTH(t.TempDir()); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := ReadPTH(filepath.Join(t.TempDir(), "absent.pth")); err == nil || !strings.Contains(err.Error(), "absent.pth") {
		t.Errorf("no file: %v", err)
	}
}

// TestNothingIsExecuted reads files that Python's unpickler would obey: os.system and eval.
func TestNothingIsExecuted(t *testing.T) {
	for name, want := range map[string]string{"system": "posix.system", "eval": "__builtin__.eval"} {
		for _, format := range []string{".old.pth", ".zip.pth"} {
			refused(t, name+format, readTestdata(t, name+format), small, want)
		}
	}
	if _, err := os.Stat("EXECUTED"); err == nil {
		t.Error("the pickle's command ran")
	}
}

// TestTruncatedRealFile cuts the real file in its header, its pickles and its storages.
func TestTruncatedRealFile(t *testing.T) {
	data := readReal(t)
	allowance := uint64(5 * len(data))
	for _, n := range []int{1, 10, 14, 15, 25, 100, 500, 5_000, 40_000} {
		refused(t, "cut early", data[:n], allowance, "")
	}
	for _, n := range []int{len(data) / 4, len(data) / 2, len(data) * 9 / 10, len(data) - 1} {
		refused(t, "cut in the numbers", data[:n], allowance, "tensor ")
	}
}

// TestTruncatedAnywhere cuts small files of both formats at every byte.
func TestTruncatedAnywhere(t *testing.T) {
	for _, name := range []string{"state.old.pth", "state.zip.pth", "checkpoint.old.pth"} {
		data := readTestdata(t, name)
		for n := range data {
			if p, err := decodePTH(data[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes was read: %d tensors", name, n, len(data), len(p.Names))
			}
		}
	}
}

// TestAlteredAnywhere flips every byte in turn. The old format has no checksum, so numbers may change unseen; shapes must still hold
// together. A zip file's records have one: what is read there is what was written.
func TestAlteredAnywhere(t *testing.T) {
	for _, name := range []string{"state.old.pth", "state.zip.pth"} {
		data := readTestdata(t, name)
		whole, err := decodePTH(data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			for _, flip := range []byte{0xff, 0x01, 0x80} {
				altered := bytes.Clone(data)
				altered[i] ^= flip
				p, err := decodePTH(altered)
				if err != nil {
					continue
				}
				sound(t, p, len(altered))
				if name == "state.zip.pth" {
					same(t, i, p, whole)
				}
			}
		}
	}
}

func same(t *testing.T, at int, got, want PTH) {
	t.Helper()
	for name, w := range want.Tensors {
		g := got.Tensors[name]
		for i := range w.Data {
			if len(g.Data) != len(w.Data) || g.Data[i] != w.Data[i] {
				t.Errorf("with byte %d altered, %s is another tensor without an error", at, name)
				return
			}
		}
	}
}

// sound checks that what was read is consistent and no larger than its file.
func sound(t *testing.T, p PTH, fileSize int) {
	t.Helper()
	total := 0
	for _, name := range p.Names {
		tensor, found := p.Tensors[name]
		if !found || product(tensor.Shape) != len(tensor.Data) {
			t.Errorf("tensor %q: shape %v with %d numbers", name, tensor.Shape, len(tensor.Data))
		}
		total += len(tensor.Data)
	}
	if len(p.Names) == 0 || len(p.Names) != len(p.Tensors) || total > fileSize {
		t.Errorf("%d names, %d tensors, %d numbers from a file of %d bytes", len(p.Names), len(p.Tensors), total, fileSize)
	}
}

func zipOf(t testing.TB, method uint16, pairs ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: pairs[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The writers below make pickles as torch.save does, with any numbers in them.

func pickled(body string) string { return "\x80\x02" + body + "." }

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func number(n int) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func tuple(items ...string) string { return "(" + strings.Join(items, "") + "t" }

func shapeOf(lengths ...int) string {
	var items []string
	for _, n := range lengths {
		items = append(items, number(n))
	}
	return tuple(items...)
}

func storagePickle(class, key string, size int) string {
	return tuple(text("storage"), "ctorch\n"+class+"\n", text(key), text("cpu"), number(size)) + "Q"
}

func tensorPickle(storage string, offset int, size, stride string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n" + tuple(storage, number(offset), size, stride, "\x89", "N") + "R"
}
