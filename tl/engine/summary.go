package engine

import (
	"context"
	"fmt"

	"transferlab/tl"
	"transferlab/tl/count"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

func (e *Engine) summary(ctx context.Context, r tl.ModelRequest, _ func(remote.Progress)) (tl.Summary, error) {
	if isBare(r.Model) {
		b, err := e.base(ctx, r.Model.Base)
		if err != nil {
			return tl.Summary{}, err
		}
		return b.Summary(), b.checkHeld(b.values)
	}
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Summary{}, err
	}
	defer t.gate.Unlock()
	return t.summary()
}

// summary lists the base's blocks as they are now, and the head. It is an error where the arithmetic disagrees with the tensors that the model
// holds.
func (t *trained) summary() (tl.Summary, error) {
	s := t.base.Summary()
	s.Name = t.description.Name + " on " + s.Name
	for i := range s.Blocks {
		s.Blocks[i].Frozen = t.frozen[s.Blocks[i].Name]
		if !s.Blocks[i].Frozen {
			s.Blocks[i].Rate = t.rates[s.Blocks[i].Name]
		}
	}
	head, err := t.countedHead()
	if err != nil {
		return s, err
	}
	if err := t.base.checkHeld(t.values); err != nil {
		return s, err
	}
	if err := (count.Table{Rows: head.Rows}).Check(heldTensors(t.values, headBlock, nil)); err != nil {
		return s, disagreement(headBlock, err)
	}
	row := head.Row()
	row.Frozen, row.Rate = false, t.rates[headBlock]
	s.Blocks = append(s.Blocks, row)
	return s, nil
}

// countedHead is the head's arithmetic, its layers named as its tensors are: "dense0", by their place.
func (t *trained) countedHead() (zoo.Block, error) {
	layers := make([]count.Layer, len(t.description.Head))
	for i, layer := range t.description.Head {
		layers[i] = layer.Called(fmt.Sprintf("%s%d", layer.Kind, i))
	}
	b := zoo.Block{Name: headBlock, Stage: headBlock, Input: t.base.outputShape(len(t.base.Blocks)), Layers: layers}
	table, err := count.Network(b.Input, layers...)
	if err != nil {
		return b, fmt.Errorf("the head: %w", err)
	}
	b.Rows, b.Output = table.Rows, table.Output()
	return b, nil
}

// checkHeld compares the blocks' arithmetic with the tensors that are held for them. Where the arithmetic lists no tensors, as that of an ONNX graph,
// it compares sums.
func (b *base) checkHeld(values map[string]*value) error {
	for _, block := range b.Blocks {
		table := count.Table{Rows: block.Rows}
		held := heldTensors(values, block.Name, block.Variables)
		if len(table.Tensors()) > 0 {
			if err := table.Check(held); err != nil {
				return disagreement(block.Name, err)
			}
			continue
		}
		params, buffers := 0, 0
		for _, h := range held {
			size := 1
			for _, d := range h.Shape {
				size *= d
			}
			if h.Buffer {
				buffers += size
			} else {
				params += size
			}
		}
		if params != table.Params() || buffers != table.Buffers() {
			return disagreement(block.Name, fmt.Errorf("counted are %d parameters and %d averages, held %d and %d", table.Params(), table.Buffers(), params, buffers))
		}
	}
	return nil
}

func disagreement(block string, err error) error {
	return fmt.Errorf("the arithmetic of block %q disagrees with the tensors that the engine holds, please report it: %w", block, err)
}

// heldTensors are the tensors of a block that are held, named inside it.
func heldTensors(values map[string]*value, block string, variables []zoo.Variable) (held []count.Tensor) {
	buffers := map[string]bool{}
	for _, v := range variables {
		buffers[v.Name] = v.Buffer
	}
	for path, v := range values {
		if blockOf(path) == block {
			name := path[len(block)+2:] // "/block/"
			held = append(held, count.Tensor{Name: name, Shape: v.Shape, Buffer: buffers[name]})
		}
	}
	return held
}
