package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"transferlab/tl"
)

// The data below are made up for drawing, in the ranges that ELPV gives, but for the numbers of parameters.

func history(phase string, epochs, kept int, loss, accuracy, gain float64) tl.History {
	h := tl.History{Model: "cells", Phase: tl.Phase{Name: phase, Epochs: epochs}, Kept: kept, Valid: true}
	for i := range epochs {
		t := float64(i) / max(1, float64(epochs-1))
		h.Epochs = append(h.Epochs, tl.Epoch{
			Loss: loss * (1 - gain*t), Accuracy: accuracy + gain*(1-accuracy)*t,
			ValidLoss: loss * (1.05 - gain*t*(1.6-t)), ValidAccuracy: accuracy - 0.02 + gain*(1-accuracy)*t*(1.5-0.7*t),
		})
	}
	return h
}

func twoPhases() []tl.History {
	return []tl.History{history("head", 20, 18, 0.62, 0.70, 0.5), history("fine-tune", 5, 3, 0.36, 0.84, 0.6)}
}

func projection(n, classes int, apart float64) (tl.Projection, []int) {
	random := rand.New(rand.NewPCG(1, 2))
	p := tl.Projection{Method: "PCA", Points: tl.Tensor{Shape: []int{n, 2}}, Variances: []float64{31.2, 11.8}, Total: 100}
	labels := make([]int, n)
	for i := range n {
		labels[i] = i % classes
		angle := 2 * math.Pi * float64(labels[i]) / float64(classes)
		p.Points.Data = append(p.Points.Data, float32(9*random.NormFloat64()+apart*math.Cos(angle)),
			float32(5*random.NormFloat64()+apart*math.Sin(angle)))
	}
	return p, labels
}

func evaluation(classes []string, confusion [][]int) tl.Evaluation {
	e := tl.Evaluation{Model: "cells", Phase: "fine-tune", Classes: classes, Loss: 0.31, Interval: [2]float64{0.862, 0.911}}
	e.Predicts.Classes = classes
	e.Predicts.Probabilities.Shape = []int{0, len(classes)}
	for truth, row := range confusion {
		for predicted, n := range row {
			for range n {
				e.Labels = append(e.Labels, truth)
				e.Predicts.Class = append(e.Predicts.Class, predicted)
				p := make([]float32, len(classes))
				p[predicted] = 0.5 + 0.5*float32(len(e.Labels)%7)/7
				e.Predicts.Probabilities.Data = append(e.Predicts.Probabilities.Data, p...)
				e.Predicts.Probabilities.Shape[0]++
			}
		}
	}
	return e
}

func manyClasses(n int) tl.Evaluation {
	names, confusion := make([]string, n), make([][]int, n)
	for i := range n {
		names[i] = []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"}[i%10]
		confusion[i] = make([]int, n)
		confusion[i][i] = 80 - 5*(i%6)
		confusion[i][(i+2)%n] += 5 * (i % 6)
		confusion[i][(i+1)%n] += 20
	}
	return evaluation(names, confusion)
}

// summary has the blocks and numbers of EfficientNet-Lite0 with a head for two classes.
func summary(unfrozen int) tl.Summary {
	s := tl.Summary{Name: "cells", Input: []int{224, 224, 3}}
	params := []int{928, 896, 5136, 8832, 13472, 26240, 32080, 83200, 83200, 106304, 170240, 170240, 224160, 476160, 476160, 476160, 605440, 412160}
	for i, n := range params {
		name := fmt.Sprintf("mbconv%d", i)
		switch i {
		case 0:
			name = "stem"
		case len(params) - 1:
			name = "top"
		}
		s.Blocks = append(s.Blocks, tl.Block{Name: name, Params: n, Frozen: i < len(params)-unfrozen})
	}
	s.Blocks = append(s.Blocks, tl.Block{Name: "head", Params: 2562})
	return s
}

func withoutValid(h tl.History) tl.History {
	h.Valid = false
	for i := range h.Epochs {
		h.Epochs[i].ValidLoss, h.Epochs[i].ValidAccuracy = math.NaN(), math.NaN()
	}
	return h
}

// ok is the value of a call that must not fail.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
