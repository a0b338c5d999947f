package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// archiveOf is a zip file of a state_dict with one tensor, "w", and 16 bytes of storage "0".
func archiveOf(t testing.TB, tensor string) []byte {
	t.Helper()
	return zipOf(t, zip.Store, "a/data.pkl", pickled("}"+text("w")+tensor+"s"), "a/data/0", strings.Repeat("\x00\x00\x80\x3f", 4))
}

func TestLengthsThatLie(t *testing.T) {
	good := storagePickle("FloatStorage", "0", 4)
	one := shapeOf(1)
	if p, err := decodePTH(archiveOf(t, tensorPickle(good, 0, shapeOf(4), one))); err != nil || p.Tensors["w"].Data[3] != 1 {
		t.Fatalf("the honest file is refused: %v, %v", p, err)
	}
	for _, c := range []struct{ what, tensor, want string }{
		{"storage larger than its record", tensorPickle(storagePickle("FloatStorage", "0", 1<<60), 0, one, one), "size 1152921504606846976"},
		{"storage of 2^40", tensorPickle(storagePickle("FloatStorage", "0", 1<<40), 0, one, one), "tensor w: storage 0"},
		{"negative storage", tensorPickle(storagePickle("FloatStorage", "0", -4), 0, one, one), "size -4"},
		{"no such record", tensorPickle(storagePickle("FloatStorage", "9", 4), 0, one, one), "tensor w: storage 9: the archive lacks data/9"},
		{"doubles in 16 bytes", tensorPickle(storagePickle("DoubleStorage", "0", 4), 0, one, one), "want 4 numbers of 8 bytes"},
		{"shape beyond storage", tensorPickle(good, 0, shapeOf(5), one), "tensor w: it reaches number 4"},
		{"offset beyond storage", tensorPickle(good, 4, one, one), "tensor w: it reaches number 4"},
		{"negative offset", tensorPickle(good, -1, one, one), "no storage, offset"},
		{"offset of 2^63-1", tensorPickle(good, math.MaxInt64, shapeOf(2, 2), shapeOf(math.MaxInt32, math.MaxInt32)), "tensor w"},
		{"2^31 × 2^31 numbers", tensorPickle(good, 0, shapeOf(math.MaxInt32, math.MaxInt32), shapeOf(0, 0)), "more numbers than the file"},
		{"product that overflows", tensorPickle(good, 0, shapeOf(1<<30, 1<<30, 16), shapeOf(0, 0, 0)), "more numbers than the file"},
		{"negative length", tensorPickle(good, 0, shapeOf(-1), one), "no storage, offset"},
		{"length of 2^62", tensorPickle(good, 0, shapeOf(1<<62), one), "no storage, offset"},
		{"shape and strides differ", tensorPickle(good, 0, shapeOf(2, 2), one), "no storage, offset"},
		{"nine axes", tensorPickle(good, 0, shapeOf(1, 1, 1, 1, 1, 1, 1, 1, 1), shapeOf(1, 1, 1, 1, 1, 1, 1, 1, 1)), "no storage, offset"},
		{"no such type", tensorPickle(storagePickle("QInt8Storage", "0", 4), 0, one, one), "torch.QInt8Storage cannot be read"},
		{"a name of its own", tensorPickle(storagePickle("FloatTensor", "0", 4), 0, one, one), "torch.FloatTensor"},
		{"no storage", tensorPickle("N", 0, one, one), "no storage, offset"},
		{"too few arguments", "ctorch._utils\n_rebuild_tensor_v2\n)R", "with 0 arguments"},
		{"string of 4 GiB", "X\xff\xff\xff\xffabc", "a string of 4294967295 bytes"},
		{"pop from nothing", "0000000", "data.pkl"},
		{"tuple without a mark", "ttt", "data.pkl"},
		{"odd dictionary", "}(NNNu", "malformed pickle"},
		{"empty number", "\x8a\x00", "malformed pickle"},
		{"bytearray of 2^60", "\x96\x00\x00\x00\x00\x00\x00\x00\x10", "opcode 0x96"},
		{"opcode 255", "\xff", "opcode 0xff"},
		{"a class of gopickle's own", "carray\n_array_reconstructor\n)R", "array._array_reconstructor"},
	} {
		refused(t, c.what, archiveOf(t, c.tensor), small, c.want)
	}
}

// TestPicklesThatGrow are small programs that would take gigabytes, hours or the whole stack.
func TestPicklesThatGrow(t *testing.T) {
	refused(t, "a list that holds itself as a storage's key",
		archiveOf(t, tuple(text("storage"), "ctorch\nFloatStorage\n", "]q\x00h\x00a", text("cpu"), number(4))+"Q"), small, "*types.List")
	refused(t, "a list that holds itself as a tensor's name",
		zipOf(t, zip.Store, "a/data.pkl", pickled("}]q\x00h\x00aNs")), small, "no tensors")
	refused(t, "a list that holds itself as the whole state",
		zipOf(t, zip.Store, "a/data.pkl", pickled("]q\x00h\x00a")), small, "want a dictionary")
	refused(t, "a million marks", archiveOf(t, strings.Repeat("(", 1_000_000)), 32*small, "nested")
	for _, op := range []string{"}", "]", ")", "(t", "N\x85"} {
		refused(t, "a million of "+op, archiveOf(t, strings.Repeat(op, 1_000_000)), 4*small, "more dictionaries, lists and tuples")
	}
	refused(t, "5 million of None", archiveOf(t, strings.Repeat("N", 5_000_000)), 1<<30, "MiB")
	refused(t, "4 million of None", archiveOf(t, strings.Repeat("N", 4_000_000)), 1<<29, "")
	long := text(strings.Repeat("x", 1_000_000)) + "q\x00"
	refused(t, "a long string printed often", archiveOf(t, long+"("+strings.Repeat("h\x00", 1_000_000)+"t)R"), 64*small, "repeated strings")
	pairs := text("k") + "q\x01N" + strings.Repeat("h\x01N", 200_000)
	refused(t, "a dictionary copied often", archiveOf(t, "ccollections\nOrderedDict\n)R}("+pairs+"uq\x000"+
		strings.Repeat("h\x00b", 500_000)), 256*small, "objects with state")
}

func TestZipBombs(t *testing.T) {
	tensor := tensorPickle(storagePickle("FloatStorage", "0", 25<<20), 0, shapeOf(25<<20), shapeOf(1))
	program := pickled("}" + text("w") + tensor + "s")
	refused(t, "compressed zeros", zipOf(t, zip.Deflate, "a/data.pkl", program, "a/data/0", strings.Repeat("\x00", 100<<20)), 2*small,
		"data.pkl is compressed")

	stored := zipOf(t, zip.Store, "a/data.pkl", program, "a/data/0", "abcdefgh")
	at := bytes.LastIndex(stored, []byte("PK\x01\x02")) // the directory's entry of a/data/0: sizes at 20 and 24
	binary.LittleEndian.PutUint32(stored[at+20:], 100<<20)
	binary.LittleEndian.PutUint32(stored[at+24:], 100<<20)
	refused(t, "a record larger than the file", stored, small, "tensor w: storage 0: data/0 is compressed or larger")

	refused(t, "overlapping records", overlapping(t, 2_000, 1<<20), 8*small, "larger than the file")
	refused(t, "two records of one name", zipOf(t, zip.Store, "a/data.pkl", program, "a/data/0", "x", "a/data/0", "y"), small, "twice")
	refused(t, "big-endian", zipOf(t, zip.Store, "a/data.pkl", program, "a/byteorder", "big"), small, "byte order")
}

// overlapping is an archive of n storages whose directory entries all point at the same record.
func overlapping(t *testing.T, n, size int) []byte {
	t.Helper()
	var program strings.Builder
	pairs := []string{"a/data.pkl", ""}
	for i := range n {
		key := fmt.Sprintf("%06d", i)
		tensor := tensorPickle(storagePickle("FloatStorage", key, size/4), 0, shapeOf(1), shapeOf(1))
		program.WriteString(text(key) + tensor + "s")
		pairs = append(pairs, "a/data/"+key, "")
	}
	pairs[1] = pickled("}" + program.String())
	pairs[3] = strings.Repeat("\x00", size)
	data := zipOf(t, zip.Store, pairs...)
	var first []byte // the directory's entry of the one record with content; those behind it get its CRC, sizes and place
	for at := bytes.Index(data, []byte("PK\x01\x02")); at >= 0 && at+46 <= len(data); {
		entry := data[at : at+46]
		if !bytes.HasPrefix(entry, []byte("PK\x01\x02")) {
			break
		}
		name := string(data[at+46 : at+46+int(binary.LittleEndian.Uint16(entry[28:]))])
		switch {
		case name == "a/data/000000":
			first = entry
		case first != nil:
			copy(entry[16:28], first[16:28])
			copy(entry[42:46], first[42:46])
		}
		at += 46 + len(name) + int(binary.LittleEndian.Uint16(entry[30:])) + int(binary.LittleEndian.Uint16(entry[32:]))
	}
	return data
}

func TestOldFormatThatLies(t *testing.T) {
	data := readTestdata(t, "state.old.pth")
	for _, c := range []struct{ what, old, new, want string }{
		{"another version", "M\xe9\x03.", "M\xea\x03.", "protocol version 1002, want 1001"},
		{"big-endian", "little_endianq\x02\x88", "little_endianq\x02\x89", "big-endian"},
		{"another storage type", "FloatStorage", "FloozStorage", "torch.FloozStorage cannot be read"},
	} {
		if !bytes.Contains(data, []byte(c.old)) {
			t.Fatalf("%s: the file does not hold %q", c.what, c.old)
		}
		refused(t, c.what, bytes.Replace(data, []byte(c.old), []byte(c.new), 1), small, c.want)
	}
	float := binary.LittleEndian.AppendUint32(make([]byte, 0, 4), math.Float32bits(1.5)) // "float32" begins with 1.5
	at := bytes.Index(data, float) - 8
	if at < 0 || binary.LittleEndian.Uint64(data[at:]) != 6 {
		t.Fatal("the storage of float32 is not where it should be")
	}
	lying := bytes.Clone(data)
	binary.LittleEndian.PutUint64(lying[at:], 1<<40)
	refused(t, "a storage's size", lying, small, "tensor float32: storage")
}
