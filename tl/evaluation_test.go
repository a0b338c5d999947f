package tl

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// predictions gives image i the class classes[i] with the probability given; the rest goes to the next class.
func predictions(names []string, classes []int, probabilities []float32) Predictions {
	p := Predictions{Classes: names, Class: classes, Probabilities: Tensor{Shape: []int{len(classes), len(names)}}}
	for i, class := range classes {
		row := make([]float32, len(names))
		row[(class+1)%len(names)] = 1 - probabilities[i]
		row[class] = probabilities[i]
		p.Probabilities.Data = append(p.Probabilities.Data, row...)
	}
	p.Logits = p.Probabilities
	return p
}

func cells() Evaluation {
	names := []string{"functional", "defective", "unknown"}
	return Evaluation{
		Model: "cells", Phase: "fine-tune", Classes: names, Loss: 0.43215, Interval: [2]float64{0.2, 0.9},
		Labels:   []int{0, 0, 0, 0, 1, 1},
		Predicts: predictions(names, []int{0, 0, 0, 1, 1, 0}, []float32{0.9, 0.8, 0.7, 0.6, 0.55, 0.95}),
	}
}

func TestEvaluation(t *testing.T) {
	e := cells()
	golden(t, "evaluation", e.String())
	if want := [][]int{{3, 1, 0}, {1, 1, 0}, {0, 0, 0}}; !reflect.DeepEqual(e.Confusion(), want) {
		t.Errorf("confusion %v, want %v", e.Confusion(), want)
	}
	if got := e.Accuracy(); math.Abs(got-4.0/6) > 1e-12 {
		t.Errorf("accuracy %v", got)
	}
	// The class without images does not pull the mean down: (3/4 + 1/2) / 2.
	if got := e.BalancedAccuracy(); math.Abs(got-0.625) > 1e-12 {
		t.Errorf("balanced accuracy %v", got)
	}
	if class, share := e.Majority(); class != "functional" || math.Abs(share-4.0/6) > 1e-12 {
		t.Errorf("majority %s %v", class, share)
	}
	if got := e.Mistakes(); !slices.Equal(got, []int{5, 3}) {
		t.Errorf("mistakes %v, want the most confident first", got)
	}
}

// TestEvaluationOfNothing: no division by nothing, no index out of range.
func TestEvaluationOfNothing(t *testing.T) {
	var e Evaluation
	class, share := e.Majority()
	if e.N() != 0 || e.Accuracy() != 0 || e.BalancedAccuracy() != 0 || class != "" || share != 0 || len(e.Mistakes()) != 0 || len(e.Confusion()) != 0 {
		t.Errorf("%v %v %v %q %v", e.N(), e.Accuracy(), e.BalancedAccuracy(), class, share)
	}
	if text := e.String(); strings.Contains(text, "NaN") {
		t.Error(text)
	}
}

// TestManyClasses: a matrix of 1,000 classes would fill the notebook.
func TestManyClasses(t *testing.T) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("class %d", i)
	}
	e := Evaluation{Model: "m", Classes: names, Labels: []int{1, 2}, Predicts: predictions(names, []int{1, 999}, []float32{0.5, 0.5})}
	if text := e.String(); len(text) > 500 || !strings.Contains(text, "1000 classes") {
		t.Errorf("%d characters: %.500s", len(text), text)
	}
}

func TestConstantAnswer(t *testing.T) {
	names := []string{"a", "b"}
	e := Evaluation{Classes: names, Labels: []int{0, 0, 0, 1}, Predicts: predictions(names, []int{0, 0, 0, 0}, []float32{1, 1, 1, 1})}
	_, floor := e.Majority()
	if e.Accuracy() != floor || e.BalancedAccuracy() != 0.5 {
		t.Errorf("a constant answer has accuracy %v (majority %v) and balanced accuracy %v", e.Accuracy(), floor, e.BalancedAccuracy())
	}
}

func TestPredictions(t *testing.T) {
	p := cells().Predicts
	if got := p.Probability(3); got != 0.6 {
		t.Errorf("probability %v", got)
	}
	if got := p.Top(3, 2); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("top %v", got)
	}
	if got := p.Top(0, 99); len(got) != 3 || got[0] != 0 {
		t.Errorf("top %v", got)
	}
	golden(t, "predictions", p.String())
	classes, probabilities := make([]int, 23), make([]float32, 23)
	many := predictions([]string{"a", "b"}, classes, probabilities)
	if text := many.String(); !strings.HasSuffix(text, "… and 3 more\n") || strings.Count(text, "\n") != 21 {
		t.Error(text)
	}
}

func ExampleEvaluation() {
	e := Evaluation{
		Model: "cells", Classes: []string{"functional", "defective"}, Loss: 0.51, Interval: [2]float64{0.25, 1},
		Labels: []int{0, 0, 0, 1}, Predicts: Predictions{Class: []int{0, 0, 1, 1}},
	}
	fmt.Print(e)
	// Output:
	// cells on 4 images: accuracy 0.750 (95 % interval 0.250 to 1.000), balanced accuracy 0.833, loss 0.5100
	// always answering "functional" would get 0.750
	// true \ predicted  functional  defective
	// functional                 2          1
	// defective                  0          1
}
