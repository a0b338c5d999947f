package tl

import (
	"fmt"
	"strings"
	"time"
)

// History is how one phase went.
type History struct {
	Model       string
	Phase       Phase
	Epochs      []Epoch
	Rates       map[string]float64 // the learning rate each unfrozen block and the head had
	Kept        int                // the epoch, from 1, whose weights stand; 0 where none finished
	Valid       bool               // whether valid chose it; else the last epoch stands
	SteppedBack bool               // whether StepBack chose it
	Stopped     bool               // whether the phase was stopped, or diverged, before its last epoch
	Early       bool               // whether Patience ended it before its last epoch
	Time        Timing
	Proof       FreezeProof
	Batch       int // batch size
	Rows        int // training rows
}

// Epoch is one pass over the training rows. Losses are means of cross-entropy in nats, accuracies shares in [0, 1]; the valid ones are
// NaN without valid. Training figures are measured while the weights move, as in Keras.
type Epoch struct {
	Loss, Accuracy           float64
	ValidLoss, ValidAccuracy float64
	Seconds                  float64
	ImagesPerSecond          float64
	Blocks                   []BlockRecord // the head first, then every unfrozen block from the input on
}

// BlockRecord is what an epoch did to the parameters of one block, taken as one vector w; batch-norm averages are none of them.
type BlockRecord struct {
	Block  string
	Rate   float64 // learning rate of the last step, schedule included
	Update float64 // mean over the steps of ‖step‖/‖w‖; near 1e-3 is common (Karpathy), far above it the pretrained weights are lost
	Drift  float64 // ‖w − w₀‖/‖w₀‖ after the epoch, w₀ the pretrained weights; of the head those it began with
}

// Timing says where the seconds of a verb went.
type Timing struct {
	Prefix   time.Duration // running the frozen prefix, decoding included where both ran side by side
	Compile  time.Duration // XLA compiling graphs
	Train    time.Duration // optimizer steps and validation
	Total    time.Duration
	Computed int // activations that were computed
	Reused   int // activations that were found in the cache
}

// FreezeProof is the evidence that frozen held: tensors of frozen blocks compared bit for bit before and after the phase.
type FreezeProof struct {
	Tensors   int      // how many were compared, batch-norm averages included
	Moved     []string // those that differ: empty unless BatchNorm asked for it
	InGraph   bool     // whether frozen blocks stood in the training graph (NoCache) or their activations were cached
	UpToBlock string   // the last block of the frozen prefix; "" where nothing was frozen
}

// String says it in a sentence.
func (p FreezeProof) String() string {
	if p.Tensors == 0 {
		return "nothing was frozen"
	}
	where := "with the frozen blocks' activations cached"
	if p.InGraph {
		where = "with the frozen blocks in the training graph"
	}
	if len(p.Moved) == 0 {
		return fmt.Sprintf("frozen: %d tensors, bit-identical, %s", p.Tensors, where)
	}
	return fmt.Sprintf("frozen: %d of %d tensors MOVED (%s), %s", len(p.Moved), p.Tensors, strings.Join(p.Moved, ", "), where)
}

// String draws the epochs as a table, with the kept epoch marked.
func (h History) String() string {
	var out strings.Builder
	plural := "s"
	if len(h.Epochs) == 1 {
		plural = ""
	}
	batches := fmt.Sprintf("batches of %d", h.Batch)
	if h.Rows <= h.Batch {
		batches = "one batch"
	}
	fmt.Fprintf(&out, "%s, phase %q: %d epoch%s of %d images in %s\n", h.Model, h.Phase.Name, len(h.Epochs), plural, h.Rows, batches)
	rows := [][]string{{"epoch", "loss", "accuracy", "valid loss", "valid accuracy", "images/s", ""}}
	for i, e := range h.Epochs {
		mark := ""
		if i+1 == h.Kept {
			mark = "← kept"
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), fmt.Sprintf("%.4f", e.Loss), fmt.Sprintf("%.3f", e.Accuracy),
			orDash("%.4f", e.ValidLoss), orDash("%.3f", e.ValidAccuracy), fmt.Sprintf("%.0f", e.ImagesPerSecond), mark})
	}
	out.WriteString(table("rrrrrrl", rows...))
	if h.Stopped {
		fmt.Fprintf(&out, "stopped in epoch %d; %s\n", len(h.Epochs)+1, h.Standing())
	}
	if h.Early {
		fmt.Fprintf(&out, "ended after epoch %d of %d: no lower valid loss in %d epochs (Patience)\n", len(h.Epochs), h.Phase.Epochs, h.Phase.Patience)
	}
	how := "no validation set: the last epoch stands"
	switch {
	case h.SteppedBack:
		how = "stepped back"
	case h.Valid && h.Phase.KeepLast:
		how = "the last, as asked (KeepLast)"
	case h.Valid:
		how = "chosen on the validation set"
	}
	if h.Kept > 0 {
		fmt.Fprintf(&out, "kept epoch %d (%s); ", h.Kept, how)
	}
	fmt.Fprintln(&out, h.Proof)
	t := h.Time
	fmt.Fprintf(&out, "%.1f s: prefix %.1f (%d computed, %d reused), compile %.1f, train %.1f\n", t.Total.Seconds(), t.Prefix.Seconds(),
		t.Computed, t.Reused, t.Compile.Seconds(), t.Train.Seconds())
	return out.String()
}

// Records is what the phase did to each block, as a table: its learning rate and, of the first and the last epoch, the mean size of a step and the
// distance from the pretrained weights, both in shares of the weights; see [BlockRecord]. It is "" where no epoch finished.
func (h History) Records() string {
	if len(h.Epochs) == 0 || len(h.Epochs[0].Blocks) == 0 {
		return ""
	}
	n := len(h.Epochs)
	rows := [][]string{{"block", "last rate", "update, epoch 1", fmt.Sprintf("epoch %d", n), "drift, epoch 1", fmt.Sprintf("epoch %d", n)}}
	last := h.Epochs[n-1].Blocks
	for i, first := range h.Epochs[0].Blocks {
		if i >= len(last) {
			break
		}
		rows = append(rows, []string{flat(first.Block), orDash("%.2e", last[i].Rate), orDash("%.1e", first.Update), orDash("%.1e", last[i].Update),
			orDash("%.1e", first.Drift), orDash("%.1e", last[i].Drift)})
	}
	return table("lrrrrr", rows...)
}

// Standing says which weights the model has.
func (h History) Standing() string {
	if h.Kept == 0 {
		return "model as before the phase"
	}
	return fmt.Sprintf("model as of epoch %d", h.Kept)
}

func orDash(format string, v float64) string {
	if v != v {
		return "–"
	}
	return fmt.Sprintf(format, v)
}
