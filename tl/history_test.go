package tl

import (
	"bytes"
	"encoding/gob"
	"math"
	"reflect"
	"testing"
	"time"
)

func fineTune() History {
	return History{
		Model: "cells", Phase: Phase{Name: "fine-tune", Epochs: 3}, Kept: 2, Valid: true, Batch: 32, Rows: 1673,
		Epochs: []Epoch{
			{Loss: 0.4821, Accuracy: 0.7712, ValidLoss: 0.4102, ValidAccuracy: 0.8203, Seconds: 17.5, ImagesPerSecond: 95.6},
			{Loss: 0.3508, Accuracy: 0.8475, ValidLoss: 0.3627, ValidAccuracy: 0.8508, ImagesPerSecond: 96.1},
			{Loss: 0.2533, Accuracy: 0.8960, ValidLoss: 0.3901, ValidAccuracy: 0.8441, ImagesPerSecond: 104},
		},
		Time:  Timing{Prefix: 31 * time.Second, Compile: 8200 * time.Millisecond, Train: 52 * time.Second, Total: 91300 * time.Millisecond, Computed: 1673, Reused: 295},
		Proof: FreezeProof{Tensors: 215, UpToBlock: "block11"},
	}
}

func TestHistory(t *testing.T) {
	h := fineTune()
	golden(t, "history", h.String())
	h.Phase.KeepLast, h.Kept = true, 3
	golden(t, "history_keep_last", h.String())
	h = fineTune()
	h.SteppedBack, h.Kept = true, 1
	golden(t, "history_stepped_back", h.String())
	h = fineTune()
	h.Valid, h.Stopped, h.Kept, h.Epochs = false, true, 1, h.Epochs[:1]
	h.Epochs[0].ValidLoss, h.Epochs[0].ValidAccuracy = math.NaN(), math.NaN()
	golden(t, "history_stopped", h.String())
	h.Epochs, h.Kept, h.Proof = nil, 0, FreezeProof{}
	golden(t, "history_stopped_at_once", h.String())
}

func TestHistoryOfAShortDataSetThatEndedEarly(t *testing.T) {
	h := fineTune()
	h.Rows, h.Early, h.Phase.Epochs, h.Phase.Patience = 20, true, 30, 1
	golden(t, "history_early", h.String())
}

func TestHistoryRecords(t *testing.T) {
	h := fineTune()
	if h.Records() != "" {
		t.Errorf("records of a phase without any: %q", h.Records())
	}
	for i := range h.Epochs {
		h.Epochs[i].Blocks = []BlockRecord{{"head", 1e-3, 4e-3 / float64(i+1), 0.1 * float64(i+1)}, {"block15", 1e-3 / 3, 1.2e-3, 0.01 * float64(i+1)}}
	}
	h.Epochs[2].Blocks[1].Update = math.NaN()
	golden(t, "history_records", h.Records())
}

func TestFreezeProof(t *testing.T) {
	for want, p := range map[string]FreezeProof{
		"nothing was frozen": {},
		"frozen: 7 tensors, bit-identical, with the frozen blocks' activations cached":                          {Tensors: 7},
		"frozen: 7 tensors, bit-identical, with the frozen blocks in the training graph":                        {Tensors: 7, InGraph: true},
		"frozen: 2 of 7 tensors MOVED (stem/mean, stem/variance), with the frozen blocks in the training graph": {Tensors: 7, InGraph: true, Moved: []string{"stem/mean", "stem/variance"}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestHistoryTravels: what a cell gets is what the engine made, NaN included.
func TestHistoryTravels(t *testing.T) {
	sent := fineTune()
	sent.Rates = map[string]float64{"head": 1e-3, "block15": 1e-3 / 3}
	sent.Epochs[0].ValidLoss = math.NaN()
	var got History
	roundTrip(t, sent, &got)
	if !math.IsNaN(got.Epochs[0].ValidLoss) {
		t.Errorf("%+v", got.Epochs[0])
	}
	sent.Epochs[0].ValidLoss, got.Epochs[0].ValidLoss = 0, 0
	if !reflect.DeepEqual(sent, got) {
		t.Errorf("sent %+v\ngot  %+v", sent, got)
	}
}

func roundTrip(t *testing.T, sent, got any) {
	t.Helper()
	var wire bytes.Buffer
	if err := gob.NewEncoder(&wire).Encode(sent); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&wire).Decode(got); err != nil {
		t.Fatal(err)
	}
}
