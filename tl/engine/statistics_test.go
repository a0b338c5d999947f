package engine

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	linear "gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"transferlab/tl"
)

// scikit is testdata/scikit.json with the numbers that it is about.
type scikit struct {
	Labels     []int
	Trust      map[string]float64 `json:"trustworthiness"`
	Three, Two [][]float64
	high, low  tl.Tensor
	labels     []int
}

func readScikit(t *testing.T) (s scikit) {
	t.Helper()
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile("testdata/scikit.json")), &s); err != nil {
		t.Fatal(err)
	}
	const rows = 60
	draws := func(seed uint32, count int) (values []int) {
		for range count {
			seed = 1664525*seed + 1013904223
			values = append(values, int(seed>>24)-128)
		}
		return values
	}
	for _, v := range draws(3, rows) {
		s.labels = append(s.labels, (v%3+3)%3)
	}
	if !slices.Equal(s.labels[:8], s.Labels) {
		t.Fatalf("the labels differ: %v, want %v", s.labels[:8], s.Labels)
	}
	s.high, s.low = tl.Tensor{Shape: []int{rows, 6}}, tl.Tensor{Shape: []int{rows, 2}}
	for i, v := range draws(1, rows*6) {
		label := float32(s.labels[i/6])
		s.high.Data = append(s.high.Data, float32(v)/64+[]float32{label, 2 * label, 0, 0, 0, 0}[i%6])
	}
	for _, v := range draws(2, rows*2) {
		s.low.Data = append(s.low.Data, float32(v)/64)
	}
	return s
}

func TestTrustworthinessAgreesWithScikit(t *testing.T) {
	s := readScikit(t)
	for text, want := range s.Trust {
		k := must[int](t)(strconv.Atoi(text))
		got := must[float64](t)(trustworthiness(tableOf(s.high), s.low, k))
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("at %d neighbours %.12f, want %.12f", k, got, want)
		}
	}
	if got := must[float64](t)(trustworthiness(tableOf(s.low), s.low, 12)); got != 1 {
		t.Errorf("points for themselves: %g", got)
	}
}

func TestProbeAgreesWithScikit(t *testing.T) {
	s := readScikit(t)
	two := make([]int, len(s.labels))
	for i, label := range s.labels {
		two[i] = min(label, 1)
	}
	fold := make([]int, len(s.labels))
	for i := 45; i < len(fold); i++ {
		fold[i] = 1
	}
	for name, c := range map[string]struct {
		labels []int
		want   [][]float64
	}{"three": {s.labels, s.Three}, "two": {two, s.Two}} {
		classes := make([]string, len(c.want[0]))
		p := tl.ProbeResult{Labels: c.labels, Classes: classes, Class: make([]int, 60), Scores: tl.Tensor{Shape: []int{60, len(classes)}, Data: make([]float32, 60*len(classes))}}
		if err := crossFold(t.Context(), matrixOf(s.high), fold, 1, 0.01, &p); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			for class, probability := range want {
				if got := float64(p.Scores.Row(45 + i)[class]); math.Abs(got-probability) > 2e-3 {
					t.Errorf("%s: row %d, class %d: %.4f, want %.4f", name, i, class, got, probability)
				}
			}
			if p.Class[45+i] != slices.Index(want, slices.Max(want)) {
				t.Errorf("%s: row %d is said to be %d", name, i, p.Class[45+i])
			}
		}
	}
}

// TestLogisticGradient compares the gradient with finite differences.
func TestLogisticGradient(t *testing.T) {
	s := readScikit(t)
	for _, classes := range []int{2, 3} {
		labels := make([]int, len(s.labels))
		for i, label := range s.labels {
			labels[i] = min(label, classes-1)
		}
		l := &logistic{ctx: t.Context(), x: matrixOf(s.high), labels: labels, classes: classes, l2: 0.3}
		at := make([]float64, l.columns()*7)
		for i := range at {
			at[i] = math.Sin(float64(i))
		}
		got := make([]float64, len(at))
		l.loss(got, at)
		want := fd.Gradient(nil, func(x []float64) float64 { return l.loss(make([]float64, len(x)), x) }, at, &fd.Settings{Formula: fd.Central})
		if !linear.EqualApprox(got, want, 1e-6) {
			t.Errorf("%d classes: gradient\n%v, finite differences\n%v", classes, got, want)
		}
	}
}

// TestProbeSeesNothingItIsTestedOn: labels by chance are told by chance, though there are more numbers than images.
func TestProbeSeesNothingItIsTestedOn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const n, d = 300, 400
	x := mat.NewDense(n, d, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = random.NormFloat64()
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = random.IntN(2)
	}
	p := tl.ProbeResult{Labels: labels, Classes: []string{"a", "b"}, Class: make([]int, n), Scores: tl.Tensor{Shape: []int{n, 2}, Data: make([]float32, 2*n)}}
	fold := stratified(labels, 2, 5, 1)
	for k := range 5 {
		if err := crossFold(t.Context(), x, fold, k, 0.01, &p); err != nil {
			t.Fatal(err)
		}
	}
	if a := p.Accuracy(); math.Abs(a-0.5) > 0.1 {
		t.Errorf("accuracy %.3f on labels by chance", a)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := crossFold(stopped, x, fold, 0, 0.01, &p); err == nil {
		t.Error("a stopped probe goes on")
	}
}

// TestStratified: folds are of one size but for one row, and so is each class in them.
func TestStratified(t *testing.T) {
	labels := make([]int, 103)
	for i := range labels {
		labels[i] = []int{0, 0, 0, 1, 2}[i%5]
	}
	fold := stratified(labels, 3, 4, 7)
	sizes, inClass := make([]int, 4), [3][4]int{}
	for i, f := range fold {
		sizes[f]++
		inClass[labels[i]][f]++
	}
	for _, counts := range [][]int{sizes, inClass[0][:], inClass[1][:], inClass[2][:]} {
		if slices.Max(counts)-slices.Min(counts) > 1 {
			t.Errorf("folds of %v", counts)
		}
	}
	if !slices.Equal(fold, stratified(labels, 3, 4, 7)) || slices.Equal(fold, stratified(labels, 3, 4, 8)) {
		t.Error("folds do not follow the seed")
	}
}

// TestTSNEGradient compares the step's direction with finite differences of the divergence that it is to lower.
func TestTSNEGradient(t *testing.T) {
	s := readScikit(t)
	e := must[*embedding](t)(newEmbedding(s.high, tl.TSNE{Perplexity: 10}))
	random := rand.New(rand.NewPCG(2, 2))
	at := make([]float64, 2*e.n)
	for i := range at {
		at[i] = random.NormFloat64()
	}
	divergence := func(points []float64) float64 {
		copy(e.x, points[:e.n])
		copy(e.y, points[e.n:])
		return e.divergence()
	}
	want := fd.Gradient(nil, divergence, at, &fd.Settings{Formula: fd.Central})
	divergence(at)
	for i := range e.n {
		gx, gy := 4*(e.ax[i]-e.rx[i]/e.sum), 4*(e.ay[i]-e.ry[i]/e.sum)
		if math.Abs(gx-want[i]) > 1e-6 || math.Abs(gy-want[e.n+i]) > 1e-6 {
			t.Fatalf("point %d: gradient (%g, %g), finite differences (%g, %g)", i, gx, gy, want[i], want[e.n+i])
		}
	}
}

// TestSimilarities: they sum to 1 over all pairs, and each row had the perplexity that was asked for.
func TestSimilarities(t *testing.T) {
	s := readScikit(t)
	e := must[*embedding](t)(newEmbedding(s.high, tl.TSNE{Perplexity: 10}))
	sum := 0.0
	for _, row := range e.p {
		sum += linear.Sum(row)
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("similarities sum to %g", sum)
	}
	eachDistances(matrixOf(s.high), 1, func(i int, row []float64) {
		var d []float64
		for _, j := range nearest(row, i, 30) {
			d = append(d, row[j])
		}
		entropy := 0.0
		for _, p := range conditional(d, 10) {
			if p > 0 {
				entropy -= p * math.Log(p)
			}
		}
		if math.Abs(math.Exp(entropy)-10) > 1e-4 {
			t.Errorf("row %d has perplexity %g", i, math.Exp(entropy))
		}
	})
	same := tl.Tensor{Shape: []int{60, 3}, Data: make([]float32, 180)}
	if _, err := newEmbedding(same, tl.TSNE{Perplexity: 10}); err == nil {
		t.Error("rows that are all the same have a layout")
	}
	copy(same.Data, []float32{9, 0, 0}) // all but one are: their distances are 0
	e = must[*embedding](t)(newEmbedding(same, tl.TSNE{Perplexity: 10}))
	for range 300 {
		e.step(false)
	}
	for i, v := range e.points().Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("number %d of equal rows is %g", i, v)
		}
	}
	if d := e.divergence(); math.IsNaN(d) || math.IsInf(d, 0) {
		t.Errorf("equal rows diverge by %g", d)
	}
}

// TestEqualRowsHaveNoLayout: what does not vary has no variance, not that of its mean's rounding.
func TestEqualRowsHaveNoLayout(t *testing.T) {
	equal := tl.Tensor{Shape: []int{49, 5}}
	for range 49 * 5 {
		equal.Data = append(equal.Data, 0.1)
	}
	scores, _, total, err := principal(tableOf(equal), 3)
	if err != nil || total != 0 {
		t.Fatalf("a variance of %g, %v", total, err)
	}
	if _, err := newEmbedding(scores, tl.TSNE{Perplexity: 5}); err == nil || !strings.Contains(err.Error(), "all the same") {
		t.Errorf("%v", err)
	}
}

// TestProbeOfLittle: numbers without variance, a class of one image, more numbers than images: what is fitted are probabilities.
func TestProbeOfLittle(t *testing.T) {
	for name, labels := range map[string][]int{"two classes": {0, 0, 0, 1, 1, 1}, "one of a class": {0, 0, 0, 0, 0, 1}, "a class of none": {0, 2, 0, 2, 0, 4}} {
		classes := slices.Max(labels) + 1
		for _, d := range []int{1, 30} {
			x := mat.NewDense(len(labels), d, nil)
			for i := range labels {
				x.Set(i, 0, 7) // the same for all
				for j := 1; j < d; j++ {
					x.Set(i, j, math.Sin(float64(i*d+j)))
				}
			}
			p := tl.ProbeResult{Labels: labels, Classes: make([]string, classes), Class: make([]int, 6), Scores: tl.Tensor{Shape: []int{6, classes}, Data: make([]float32, 6*classes)}}
			fold := stratified(labels, classes, 6, 1)
			for k := range 6 {
				if err := crossFold(t.Context(), x, fold, k, 0.01, &p); err != nil {
					t.Errorf("%s, %d numbers: %v", name, d, err)
				}
			}
			for i := range 6 {
				sum := 0.0
				for _, v := range p.Scores.Row(i) {
					sum += float64(v)
				}
				if math.Abs(sum-1) > 1e-5 {
					t.Errorf("%s, %d numbers: the probabilities of image %d sum to %g", name, d, i, sum)
				}
			}
		}
	}
}

// TestParallelThrows: a fault in a goroutine reaches the edge that catches it.
func TestParallelThrows(t *testing.T) {
	defer func() {
		if thrown := recover(); thrown != "fault" {
			t.Errorf("%v is thrown", thrown)
		}
	}()
	parallel(10, 3, func(i int) {
		if i == 7 {
			panic("fault")
		}
	})
	t.Error("nothing is thrown")
}

// TestWholeIsBounded: what would not fit into memory is refused before it is read.
func TestWholeIsBounded(t *testing.T) {
	huge := &table64{n: 1 << 20, d: 1280, read: func(int, int, []float64) error { t.Error("it is read"); return nil }}
	if _, err := huge.whole(); err == nil || !strings.Contains(err.Error(), ".Take(52428)") {
		t.Errorf("%v", err)
	}
	lost := tl.Tensor{Shape: []int{3, 2}, Data: []float32{1, 2, 3, float32(math.NaN()), 5, 6}}
	points := tl.Tensor{Shape: []int{3, 2}, Data: []float32{1, 2, 3, 4, 5, 6}}
	if _, err := trustworthiness(tableOf(lost), points, 1); err == nil || !strings.Contains(err.Error(), "image 1 is not finite") {
		t.Errorf("%v", err)
	}
	if o, err := tsneOptions(tl.TSNE{Perplexity: 279}, tl.MostTSNE, 50); err != nil {
		t.Errorf("%v: %v", o, err)
	}
	if _, err := tsneOptions(tl.TSNE{Perplexity: 3000}, tl.MostTSNE, 50); err == nil || !strings.Contains(err.Error(), "10,000 images: take 1 to 279.3") {
		t.Errorf("%v", err)
	}
}

// TestNeighboursByHand: on few rows, against the definition.
func TestNeighboursByHand(t *testing.T) {
	r := must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures))
	x := must[tl.Tensor](t)(r.Values(quiet()))
	n := must[tl.Neighbours](t)(r.Neighbours(quiet(), 4))
	cosine := func(i, j int) float64 {
		var ab, aa, bb float64
		for c, v := range x.Row(i) {
			w := x.Row(j)[c]
			ab, aa, bb = ab+float64(v)*float64(w), aa+float64(v)*float64(v), bb+float64(w)*float64(w)
		}
		return ab / math.Sqrt(aa*bb)
	}
	for i, row := range n.Rows {
		if slices.Contains(n.Nearest[i], row) {
			t.Errorf("image %d is its own neighbour", row)
		}
		for a, j := range n.Nearest[i] {
			if math.Abs(cosine(row, j)-n.Similarity[i][a]) > 1e-9 {
				t.Errorf("cosine of %d and %d is %g, not %g", row, j, cosine(row, j), n.Similarity[i][a])
			}
		}
		nearer := 0
		for j := range x.Len() {
			if j != row && cosine(row, j) > n.Similarity[i][3]+1e-12 {
				nearer++
			}
		}
		if nearer != 3 {
			t.Errorf("image %d: %d images are nearer than its fourth neighbour", row, nearer)
		}
	}
}
