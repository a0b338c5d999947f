package engine

import (
	"fmt"
	"maps"
	"slices"

	"transferlab/tl"
)

// savedLimit bounds the memory for the epochs of a phase that StepBack may return to: the best so far and the last are kept whatever they
// take, of the others the latest that have room. An epoch is what moved: 14 MB for the whole of EfficientNet-Lite0, 59 MB for VGG16's convolutions.
var savedLimit int64 = 1 << 30

// save keeps an epoch's weights. Those of earlier epochs go where there is no room.
func (u *run) save(m *moment) {
	u.saved = append(u.saved, m)
	u.prune()
	u.model.weigh(u.saved)
}

// prune lets go of epochs, the oldest first, while more are held than savedLimit.
func (u *run) prune() {
	bytes := int64(0)
	for _, m := range u.saved {
		bytes += m.bytes()
	}
	best := u.best() - 1
	for i := 0; i < len(u.saved)-1 && bytes > savedLimit; i++ {
		if i != best {
			bytes -= u.saved[i].bytes()
			u.saved[i] = nil
		}
	}
}

// best is the epoch, from 1, with the lowest loss on valid; the last without valid, 0 where none finished.
func (u *run) best() int {
	epochs := u.history.Epochs
	best := len(epochs)
	if u.valid == nil {
		return best
	}
	for i := range epochs {
		if i == 0 || epochs[i].ValidLoss < epochs[best-1].ValidLoss {
			best = i + 1
		}
	}
	return best
}

// outOfPatience tells whether the last epochs brought no lower loss on valid.
func (u *run) outOfPatience() bool {
	return u.phase.Patience > 0 && len(u.history.Epochs)-u.best() >= u.phase.Patience
}

// finish chooses the epoch that stands, restores it and proves that frozen held.
func (u *run) finish(stopped bool) (tl.History, error) {
	h := &u.history
	h.Stopped = stopped
	h.Kept = len(h.Epochs)
	if !u.phase.KeepLast && !stopped {
		h.Kept = u.best()
	}
	u.model.epochs = u.saved
	u.model.rates = u.rates
	if h.Kept > 0 {
		maps.Copy(u.model.values, u.saved[h.Kept-1].values)
	}
	u.model.weigh(nil)
	return *h, u.prove()
}

// prove compares every frozen tensor with what it was, bit for bit. Those that stood in the training graph are read back from it.
func (u *run) prove() error {
	proof := tl.FreezeProof{Tensors: len(u.before), InGraph: u.cut < u.model.prefix()}
	if n := u.model.prefix(); n > 0 {
		proof.UpToBlock = u.model.base.Blocks[n-1].Name
	}
	var inGraph []string
	for path := range u.before {
		if u.step.program.store.GetVariable(path) != nil {
			inGraph = append(inGraph, path)
		}
	}
	after, err := u.step.program.get(inGraph)
	if err != nil {
		return err
	}
	for path, sum := range u.before {
		now := u.model.values[path]
		if read := after[path]; read != nil {
			now = read
		}
		if now.sum() != sum {
			proof.Moved = append(proof.Moved, path)
		}
	}
	slices.Sort(proof.Moved)
	u.history.Proof = proof
	return nil
}

// epochAt gives what moved, as it was after an epoch of the last phase, from 1.
func (t *trained) epochAt(epoch int) (*moment, error) {
	if len(t.histories) == 0 {
		return nil, fmt.Errorf("no phase was fitted yet: there is no epoch to step back to")
	}
	if epoch < 1 || epoch > len(t.epochs) {
		return nil, fmt.Errorf("the last phase finished %d epochs: step back to 1 to %d, not %d", len(t.epochs), len(t.epochs), epoch)
	}
	if m := t.epochs[epoch-1]; m != nil {
		return m, nil
	}
	var there []int
	for i, m := range t.epochs {
		if m != nil {
			there = append(there, i+1)
		}
	}
	return nil, fmt.Errorf("the weights after epoch %d are gone: the epochs of a phase may take %d MB; step back to one of %v, or fit fewer epochs", epoch, savedLimit>>20, there)
}
