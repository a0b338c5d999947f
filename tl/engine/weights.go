package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// value is a tensor that never changes, with its content's hash: training makes new values.
type value struct {
	tl.Tensor
	sum func() [32]byte
}

func newValue(shape []int, data []float32) *value {
	v := &value{Tensor: tl.Tensor{Shape: slices.Clone(shape), Data: data}}
	v.sum = sync.OnceValue(func() [32]byte {
		h := sha256.New()
		b := make([]byte, 0, 4*4096)
		for chunk := range slices.Chunk(v.Data, 4096) {
			b = b[:0]
			for _, x := range chunk {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
			}
			h.Write(b)
		}
		fmt.Fprint(h, v.Shape)
		return [32]byte(h.Sum(nil))
	})
	return v
}

func (v *value) bytes() int64 { return 4 * int64(len(v.Data)) }

// base is a network with its pretrained weights, loaded once.
type base struct {
	zoo.Network
	label     string // its name, and where its weights are from where they are not the published ones
	structure string // the layers of a network of the user's own, as JSON; "" for the zoo's
	gate      *gate
	used      usage
	bytes     atomic.Int64
	values    map[string]*value // by variable path: "/mbconv3/expand/kernel"; nil until loaded
	loaded    tl.LoadReport
	saved     *opened // what an opened model was; nil for a base that models share
}

// base finds a network and loads its weights where that was not done yet. Descriptions are the same base where their JSON is.
func (e *Engine) base(ctx context.Context, described tl.Base) (*base, error) {
	text, err := json.Marshal(described)
	if err != nil {
		return nil, fmt.Errorf("the base %q: %w", described.Name, err)
	}
	key := string(text) + stampOf(described.Weights.File)
	if described.ONNX != nil {
		key += stampOf(described.ONNX.File)
	}
	e.mu.Lock()
	b := e.bases[key]
	if b == nil {
		e.mu.Unlock()
		network, err := network(described) // an ONNX file is read here, which may take seconds
		if err != nil {
			return nil, err
		}
		made := newBase(network, described)
		e.mu.Lock()
		if b = e.bases[key]; b == nil {
			b, e.bases[key] = made, made
		}
	}
	b.used.touch(ctx)
	e.mu.Unlock()
	if err := b.gate.enter(ctx, fmt.Sprintf("the weights of %s", described.Name)); err != nil {
		return nil, err
	}
	defer b.gate.Unlock()
	if b.values != nil {
		return b, nil
	}
	return b, b.load(ctx, described)
}

// newBase is a base without weights.
func newBase(n zoo.Network, described tl.Base) *base {
	return &base{Network: n, label: label(described), structure: structure(described) + n.Graph, gate: newGate()}
}

// key is what the base's graphs depend on beside its weights' numbers: equal keys, equal graphs.
func (b *base) key() string {
	return fmt.Sprint(b.Name, b.Size, b.Mean, b.Deviation, b.BGR, b.structure)
}

// load reads the weights. Call it with the gate held.
func (b *base) load(ctx context.Context, described tl.Base) error {
	if b.Name == rawPixels.Name && described.Network == nil {
		b.values = map[string]*value{}
		return nil
	}
	network, weights, report, err := b.Load(ctx, described.Weights, fetching(callOf(ctx).report))
	if err != nil {
		return err
	}
	if err := network.Check(weights); err != nil {
		return err
	}
	values := map[string]*value{}
	for _, block := range network.All() {
		for _, v := range block.Variables {
			t := weights.Tensors[block.Name+"/"+v.Name]
			values["/"+block.Name+"/"+v.Name] = newValue(t.Shape, t.Data)
		}
	}
	if block := notFinite(values); block != "" { // a relu may turn NaN into 0, and then nothing later tells
		return fmt.Errorf("the weights of %s hold NaN or Inf in block %s: they are spoilt, load others", b.label, block)
	}
	b.Network, b.values, b.loaded = network, values, report
	b.bytes.Store(bytesOf(values))
	return nil
}

func (e *Engine) loadReport(ctx context.Context, r tl.LoadRequest, _ func(remote.Progress)) (tl.LoadReport, error) {
	b, err := e.base(ctx, r.Base)
	if err != nil {
		return tl.LoadReport{}, err
	}
	return b.loaded, nil
}

// rawPixels is the base that knows nothing: one block without weights that gives an image's grey values. See tl.RawPixels.
var rawPixels = zoo.Network{
	Name: tl.RawPixels().Name, Preprocessing: zoo.Preprocessing{Size: 32, Deviation: [3]float32{255, 255, 255}},
	Blocks: []zoo.Block{{Name: "pixels", Stage: "pixels", Input: []int{32, 32, 3}, Output: []int{32 * 32}, Forward: func(_ *model.Scope, x *graph.Node, _ zoo.Mode) *graph.Node {
		return graph.Reshape(graph.ReduceMean(x, -1), x.Shape().Dimensions[0], -1)
	}}},
}

// stampOf is a file's size and time, so that one that was written anew is another base; "" where there is none.
func stampOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
}

// label names a base for people.
func label(b tl.Base) string {
	switch w := b.Weights; {
	case w.File != "":
		return b.Name + " from " + w.File
	case w.Hub != "":
		return b.Name + " from " + w.Hub
	case w.Initial:
		return fmt.Sprintf("%s from seed %d", b.Name, w.Seed)
	case b.ONNX != nil:
		return b.Name + " from " + b.ONNX.File
	}
	return b.Name
}

// structure is the network of the user's own in a base, as JSON: what tells networks of one name apart.
func structure(b tl.Base) string {
	if b.Network == nil {
		return ""
	}
	text, err := json.Marshal(b.Network)
	if err != nil {
		return err.Error() // it was encoded before, as a part of b
	}
	return string(text)
}

// network is what a base describes, without weights.
func network(b tl.Base) (zoo.Network, error) {
	switch {
	case b.ONNX != nil:
		return zoo.ONNX(b.Name, *b.ONNX)
	case b.Network != nil:
		return zoo.Of(b)
	case b.Name == rawPixels.Name && b.Weights == (tl.Weights{}):
		return rawPixels, nil
	case !slices.Contains(zoo.Names(), b.Name):
		return zoo.Network{}, noSuch("base", b.Name, append(zoo.Names(), rawPixels.Name))
	}
	return zoo.Find(b.Name)
}

func bytesOf(values map[string]*value) (n int64) {
	for _, v := range values {
		n += v.bytes()
	}
	return n
}

// blockOf is the block that a variable path belongs to.
func blockOf(path string) string {
	block, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return block
}

// ofBlocks picks the values of blocks from up to to.
func ofBlocks(n *base, values map[string]*value, from, to int) map[string]*value {
	picked := map[string]*value{}
	for _, block := range n.Blocks[from:to] {
		for _, v := range block.Variables {
			path := "/" + block.Name + "/" + v.Name
			picked[path] = values[path]
		}
	}
	return picked
}

// digest is a hash over named values: it changes with any bit of any of them.
func digest(values map[string]*value) string {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(values)) {
		sum := values[path].sum()
		fmt.Fprintf(h, "%s %x\n", path, sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}
