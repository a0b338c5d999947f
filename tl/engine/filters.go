package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// filters gives a convolution's kernels; see tl.Base.Filters.
func (e *Engine) filters(ctx context.Context, r tl.FiltersRequest, _ func(remote.Progress)) (tl.Filters, error) {
	s, err := e.subject(ctx, r.Model)
	if err != nil {
		return tl.Filters{}, err
	}
	defer s.release()
	with := s.withConvolutions()
	if len(with) == 0 {
		return tl.Filters{}, fmt.Errorf("%s has no convolution", s.Name)
	}
	name := with[0]
	switch {
	case len(r.Blocks) > 1:
		return tl.Filters{}, fmt.Errorf("filters of %d blocks: ask for one at a time", len(r.Blocks))
	case len(r.Blocks) == 1:
		name = r.Blocks[0]
	}
	n, err := s.block(name)
	if err != nil {
		return tl.Filters{}, err
	}
	v, found := s.convolution(n, len(r.Blocks) == 0)
	if !found {
		return tl.Filters{}, fmt.Errorf("block %s has no convolution: ask for one of %s", name, strings.Join(with, ", "))
	}
	kernels := s.byFilter(s.source.values["/"+name+"/"+v.Name].Tensor)
	if n == 0 && s.BGR && kernels.Shape[3] == 3 {
		for at := 0; at < len(kernels.Data); at += 3 {
			slices.Reverse(kernels.Data[at : at+3])
		}
	}
	return tl.Filters{Base: s.name, Block: name, Layer: strings.TrimSuffix(v.Name, "/kernel"), Kernels: kernels}, nil
}

// withConvolutions names the blocks that have one.
func (s subject) withConvolutions() (names []string) {
	for n, block := range s.Blocks {
		if _, found := s.convolution(n, true); found {
			names = append(names, block.Name)
		}
	}
	return names
}

// convolution is a block's first one, or unless any will do the first that sees more than one pixel.
func (s subject) convolution(block int, any bool) (first zoo.Variable, found bool) {
	for _, v := range s.Blocks[block].Variables {
		if len(v.Shape) != 4 || v.Buffer {
			continue
		}
		rows, columns := s.window(v.Shape)
		if any || rows*columns > 1 {
			return v, true
		}
		if !found {
			first, found = v, true
		}
	}
	return first, found
}

// window is the height and width of a kernel: the zoo's are [h, w, in, out], those of ONNX files [out, in, h, w].
func (s subject) window(shape []int) (rows, columns int) {
	if s.Graph != "" {
		return shape[2], shape[3]
	}
	return shape[0], shape[1]
}

// byFilter turns kernels into [out, h, w, in].
func (s subject) byFilter(t tl.Tensor) tl.Tensor {
	d := t.Shape
	n, rows, columns, channels := d[3], d[0], d[1], d[2]
	if s.Graph != "" {
		n, rows, columns, channels = d[0], d[2], d[3], d[1]
	}
	out := tl.Tensor{Shape: []int{n, rows, columns, channels}, Data: make([]float32, 0, len(t.Data))}
	for f := range n {
		for y := range rows {
			for x := range columns {
				for c := range channels {
					at := ((y*columns+x)*channels+c)*n + f
					if s.Graph != "" {
						at = ((f*channels+c)*rows+y)*columns + x
					}
					out.Data = append(out.Data, t.Data[at])
				}
			}
		}
	}
	return out
}
