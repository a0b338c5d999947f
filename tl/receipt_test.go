package tl

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestReceiptRoundTrip: what a tuning appends comes back, figures that are no numbers included.
func TestReceiptRoundTrip(t *testing.T) {
	r := NewReceipt()
	r.Model, r.Seed = "cells", 7
	images := ReceiptData{Name: "elpv", Rows: 656, Images: "a"}
	r.Evaluations = []ReceiptEvaluation{{Data: images, Look: 1, Accuracy: 0.9, Loss: math.Inf(1), Interval: [2]float64{0.8, 0.95}}}
	r.Tried = []Tried{{Name: "high rate", Phases: []Phase{{Epochs: 5, LearningRate: 1}}, ValidLoss: math.NaN(), ValidAccuracy: math.NaN()},
		{Name: "low rate", ValidLoss: 0.25, ValidAccuracy: 0.91, Seconds: 12, Chosen: true}}
	r.Phases = []ReceiptPhase{{Phase: Phase{Name: "head"}, Epochs: []Epoch{{Loss: 1, ValidLoss: math.NaN(), ValidAccuracy: math.NaN()}}}}
	file := filepath.Join(t.TempDir(), ReceiptFile)
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadReceipt(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, receipt := range []*Receipt{&r, &read} { // NaN equals nothing
		if !math.IsNaN(receipt.Tried[0].ValidLoss) || !math.IsNaN(receipt.Tried[0].ValidAccuracy) || !math.IsNaN(receipt.Phases[0].Epochs[0].ValidLoss) {
			t.Errorf("%+v", receipt)
		}
		receipt.Tried[0].ValidLoss, receipt.Tried[0].ValidAccuracy, receipt.Phases[0].Epochs[0] = 0, 0, Epoch{}
	}
	if !reflect.DeepEqual(r, read) {
		t.Errorf("wrote %+v, read %+v", r, read)
	}
	if read.Looks(images) != 1 || read.Looks(ReceiptData{Images: "b"}) != 0 {
		t.Error("looks are counted wrong")
	}
	if want := `"cells" on , seed 7; 1 phase; accuracy 0.900 on 656 images of elpv`; read.Line() != want {
		t.Errorf("line %q, want %q", read.Line(), want)
	}
}

func TestNoReceipt(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"text.json": "no JSON", "list.json": "[]", "other.json": `{"Format":"x"}`, "short.json": `{"Format":"transferlab rec`} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReceipt(file); err == nil || !strings.Contains(err.Error(), file+" is no receipt") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadReceipt(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder without one: %v", err)
	}
	if err := NewReceipt().Write(filepath.Join(dir, "nowhere", "r.json")); err == nil {
		t.Error("written nowhere")
	}
}

func TestSavedString(t *testing.T) {
	s := Saved{Dir: "models/cells", Files: []SavedFile{{"model.json", 2048, "0123456789abcdef"}, {"weights.safetensors", 18_000_000, "fedcba9876543210"}}}
	golden(t, "saved", s.String())
}
