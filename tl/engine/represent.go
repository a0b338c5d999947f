package engine

import (
	"context"
	"encoding/binary"
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"transferlab/tl"
	"transferlab/tl/remote"
)

var nan = math.NaN()

func (e *Engine) represent(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (tl.Representation, error) {
	a, _, err := e.representation(ctx, r, report)
	if err != nil {
		return tl.Representation{}, err
	}
	return tl.Representation{Base: r.Base, Data: r.Data, Shape: append([]int{len(a.hashes)}, a.shape...)}, nil
}

func (e *Engine) representation(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (activations, tl.Timing, error) {
	b, err := e.base(ctx, r.Base)
	if err != nil {
		return activations{}, tl.Timing{}, err
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return activations{}, tl.Timing{}, err
	}
	return e.activations(ctx, source{b, b.values}, len(b.Blocks), data, 0, report)
}

func (e *Engine) values(ctx context.Context, r tl.RepresentRequest, report func(remote.Progress)) (tl.Tensor, error) {
	a, _, err := e.representation(ctx, r, report)
	if err != nil {
		return tl.Tensor{}, err
	}
	t := tl.Tensor{Shape: append([]int{len(a.hashes)}, a.shape...), Data: make([]float32, len(a.hashes)*a.bytes()/dtypes.Float32.Size())}
	return t, a.each(0, len(a.hashes), func(i int, row []byte) {
		out := t.Row(i)
		for j := range out {
			out[j] = math.Float32frombits(binary.NativeEndian.Uint32(row[4*j:]))
		}
	})
}

// buffers are the paths of batch-norm averages.
func (b *base) buffers() map[string]bool {
	return b.paths(func(name string, buffer, _ bool) bool { return buffer })
}

// kernels are the paths that weight decay applies to.
func (b *base) kernels() map[string]bool {
	return b.paths(func(_ string, _, kernel bool) bool { return kernel })
}

// batchNorm are the paths of batch-norm scales and offsets.
func (b *base) batchNorm() map[string]bool {
	return b.paths(func(name string, buffer, _ bool) bool {
		return !buffer && (strings.HasSuffix(name, "/scale") || strings.HasSuffix(name, "/offset"))
	})
}

func (b *base) paths(want func(name string, buffer, kernel bool) bool) map[string]bool {
	found := map[string]bool{}
	for _, block := range b.Blocks {
		for _, v := range block.Variables {
			if want(v.Name, v.Buffer, v.Kernel) {
				found["/"+block.Name+"/"+v.Name] = true
			}
		}
	}
	return found
}

// frozenList tells for each block whether it is frozen.
func (b *base) frozenList(frozen map[string]bool) []bool {
	list := make([]bool, len(b.Blocks))
	for i, block := range b.Blocks {
		list[i] = frozen[block.Name]
	}
	return list
}
