package engine

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"transferlab/tl"
	"transferlab/tl/remote"
	"transferlab/tl/zoo"
)

// chosen are the blocks of the base that the names mean, in the order of the network: a block's name, a stage's (all of its blocks; where a
// block has the same name, it is the block), or a pattern as in path.Match that stands for blocks, as "mbconv1*". No names mean all.
func (t *trained) chosen(names []string) ([]string, error) {
	chosen := map[string]bool{}
	for _, name := range names {
		found, err := t.named(name)
		if err != nil {
			return nil, err
		}
		for _, block := range found {
			chosen[block] = true
		}
	}
	var blocks []string
	for _, block := range t.base.Blocks {
		if len(names) == 0 || chosen[block.Name] {
			blocks = append(blocks, block.Name)
		}
	}
	return blocks, nil
}

// named are the blocks that one name or pattern means.
func (t *trained) named(name string) ([]string, error) {
	var ofStage, matching, have []string
	for _, block := range t.base.Blocks {
		if block.Name == name {
			return []string{name}, nil
		}
		if block.Stage == name {
			ofStage = append(ofStage, block.Name)
		}
		matches, err := path.Match(name, block.Name)
		if err != nil {
			return nil, fmt.Errorf("pattern %q is malformed; * stands for any letters, ? for one, [1-3] for one of these", name)
		}
		if matches {
			matching = append(matching, block.Name)
		}
		have = append(have, block.Name)
	}
	switch {
	case len(ofStage) > 0:
		return ofStage, nil
	case len(matching) > 0:
		return matching, nil
	case name == headBlock:
		return nil, fmt.Errorf("the head is no block of the base: it is always trained (have %s)", strings.Join(have, ", "))
	case !strings.ContainsAny(name, `*?[\`):
		return nil, noSuch("block", name, withStages(t.base, have))
	}
	return nil, noSuch("block matches the pattern", name, have)
}

// withStages adds the names of stages that are not those of blocks, too.
func withStages(b *base, have []string) []string {
	for _, block := range b.Blocks {
		if !slices.Contains(have, block.Stage) {
			have = append(have, block.Stage)
		}
	}
	return have
}

func (e *Engine) freeze(ctx context.Context, r tl.FreezeRequest, _ func(remote.Progress)) (tl.Summary, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Summary{}, err
	}
	defer t.gate.Unlock()
	blocks, err := t.chosen(r.Blocks)
	if err != nil {
		return tl.Summary{}, err
	}
	for _, block := range blocks {
		t.frozen[block] = r.Frozen
	}
	e.keep(ctx, t)
	return t.summary()
}

func (e *Engine) unfreezeTop(ctx context.Context, r tl.UnfreezeTopRequest, _ func(remote.Progress)) (tl.Summary, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Summary{}, err
	}
	defer t.gate.Unlock()
	if n := len(t.base.Blocks); r.N < 0 || r.N > n {
		return tl.Summary{}, fmt.Errorf("%s has %d blocks: unfreeze 0 to %d of them, not %d", t.base.Name, n, n, r.N)
	}
	return e.thaw(ctx, t, len(t.base.Blocks)-r.N)
}

func (e *Engine) unfreezeFrom(ctx context.Context, r tl.UnfreezeFromRequest, _ func(remote.Progress)) (tl.Summary, error) {
	t, err := e.model(ctx, r.Model)
	if err != nil {
		return tl.Summary{}, err
	}
	defer t.gate.Unlock()
	blocks, err := t.named(r.Block)
	if err != nil {
		return tl.Summary{}, err
	}
	return e.thaw(ctx, t, slices.IndexFunc(t.base.Blocks, func(b zoo.Block) bool { return b.Name == blocks[0] }))
}

// thaw leaves the blocks from the n-th on unfrozen, and freezes those before it. Call it with the model's gate.
func (e *Engine) thaw(ctx context.Context, t *trained, n int) (tl.Summary, error) {
	for i, block := range t.base.Blocks {
		t.frozen[block.Name] = i < n
	}
	e.keep(ctx, t)
	return t.summary()
}
