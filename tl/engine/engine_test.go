package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

var (
	lite    = tl.Load("efficientnet_lite0")
	figures = datasets.Shapes(48, 1)
)

// quiet is a context whose verbs report nothing.
func quiet() context.Context { return tl.WithReport(context.Background(), nil) }

// ownCache gives the test an activation cache of its own; downloads are found where they are.
func ownCache(t *testing.T) {
	t.Helper()
	forget := func(root string) {
		registeredEngine.mu.Lock()
		defer registeredEngine.mu.Unlock()
		activationsRoot, registeredEngine.caches = root, map[string]*activationCache{}
	}
	forget(t.TempDir())
	t.Cleanup(func() { forget("") })
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestPredictAgreesWithPyTorch(t *testing.T) {
	raw := must[[]byte](t)(os.ReadFile("../zoo/testdata/logits.f32"))
	// The photographs stand in the goldens behind 8 solar cells, in the order of their names. They have the network's size already.
	there, folder := must[string](t)(filepath.Abs("../zoo/testdata/photographs")), t.TempDir()
	if err := os.Symlink(there, filepath.Join(folder, "photographs")); err != nil {
		t.Fatal(err)
	}
	photographs := datasets.Folder(folder)
	p := must[tl.Predictions](t)(lite.Predict(quiet(), photographs))
	if len(p.Class) != 4 || len(p.Classes) != 1000 {
		t.Fatalf("%d images of %d classes", len(p.Class), len(p.Classes))
	}
	for i := range 4 {
		worst, first := 0.0, 0
		want := make([]float32, 1000)
		for c := range want {
			want[c] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*((8+i)*1000+c):]))
			worst = max(worst, math.Abs(float64(want[c]-p.Logits.Row(i)[c])))
			if want[c] > want[first] {
				first = c
			}
		}
		if worst > 1e-3 || first != p.Class[i] {
			t.Errorf("photograph %d: largest difference %g, class %q, want %q", i, worst, p.Classes[p.Class[i]], p.Classes[first])
		}
	}
	if got := p.Classes[p.Class[1]]; !strings.Contains(strings.ToLower(got), "egyptian cat") {
		t.Errorf("chelsea is %q", got)
	}
}

func TestPCAAgreesWithNumpy(t *testing.T) {
	var want struct {
		FirstRow []float64 `json:"first_row"`
		Checksum int64
		Total    float64   `json:"total_variance"`
		Variance []float64 `json:"variances"`
		Scores   [][]float64
	}
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile("testdata/pca.json")), &want); err != nil {
		t.Fatal(err)
	}
	x, checksum := pcaMatrix()
	if checksum != want.Checksum {
		t.Fatalf("the matrix differs: checksum %d, want %d", checksum, want.Checksum)
	}
	defer func(n int) { blockNumbers = n }(blockNumbers)
	for _, k := range []int{2, 10} {
		if k == 2 {
			blockNumbers = 500 * 1280 // read in four blocks, the last one smaller
		} else {
			blockNumbers = 1 << 22
		}
		scores, variances, total, err := principal(inMatrix(x), k)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(total/want.Total-1) > 1e-9 {
			t.Errorf("total variance %g, want %g", total, want.Total)
		}
		for j, v := range variances {
			if math.Abs(v/want.Variance[j]-1) > 1e-6 {
				t.Errorf("k=%d: variance %d is %g, want %g", k, j, v, want.Variance[j])
			}
			sign := 1.0
			if scores.Row(0)[j] > 0 != (want.Scores[0][j] > 0) {
				sign = -1
			}
			for i := range want.Scores {
				if d := math.Abs(sign*float64(scores.Row(i)[j]) - want.Scores[i][j]); d > 1e-3 {
					t.Errorf("k=%d: score [%d,%d] differs by %g", k, i, j, d)
				}
			}
		}
	}
}

func TestPCAOfAFlatSpectrumFallsBack(t *testing.T) {
	defer func(n int) { blockNumbers = n }(blockNumbers)
	blockNumbers = 4 * 3 // blocks of 4 and 2 rows
	x := tl.Tensor{Shape: []int{6, 3}, Data: []float32{1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1}}
	_, variances, total, err := principal(inMatrix(x), 3)
	if err != nil || math.Abs(total-1.2) > 1e-9 || math.Abs(variances[0]-0.4) > 1e-9 || math.Abs(variances[2]-0.4) > 1e-9 {
		t.Errorf("variances %v of %g, %v; want three times 0.4", variances, total, err)
	}
	for _, k := range []int{0, 4} {
		if _, _, _, err := principal(inMatrix(x), k); err == nil {
			t.Errorf("%d components of [6, 3]: no error", k)
		}
	}
	x.Data[0] = float32(math.NaN())
	if _, _, _, err := principal(inMatrix(x), 1); err == nil {
		t.Error("NaN: no error")
	}
}

// inMatrix is a tensor as principal reads it.
func inMatrix(x tl.Tensor) *table64 {
	d := len(x.Data) / x.Len()
	return &table64{n: x.Len(), d: d, read: func(from, to int, dst []float64) error {
		for i, v := range x.Data[from*d : to*d] {
			dst[i] = float64(v)
		}
		return nil
	}}
}

// pcaMatrix is the matrix of testdata/pca.py, bit for bit.
func pcaMatrix() (tl.Tensor, int64) {
	const n, d, rank = 1968, 1280, 12
	strength := [rank]int64{100, 70, 50, 35, 25, 18, 12, 9, 6, 4, 3, 2}
	draws := func(seed uint32, count int) []int64 {
		values := make([]int64, count)
		for i := range values {
			seed = 1664525*seed + 1013904223
			values[i] = int64(seed>>24) - 128
		}
		return values
	}
	a, b, m, e := draws(1, n*rank), draws(2, rank*d), draws(3, d), draws(4, n*d)
	x, sum := tl.Tensor{Shape: []int{n, d}, Data: make([]float32, n*d)}, int64(0)
	for i := range n {
		for j := range d {
			v := 2048*e[i*d+j] + 4096*m[j]
			for r := range rank {
				v += strength[r] * a[i*rank+r] * b[r*d+j]
			}
			sum += v
			x.Data[i*d+j] = float32(float64(v) / 65536)
		}
	}
	return x, sum
}

func BenchmarkPCA(b *testing.B) {
	x, _ := pcaMatrix()
	for b.Loop() {
		if _, _, _, err := principal(inMatrix(x), 2); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRepresentComputesOnce(t *testing.T) {
	ownCache(t)
	var reports atomic.Int64
	ctx := tl.WithReport(context.Background(), func(remote.Progress) { reports.Add(1) })
	r := must[tl.Representation](t)(lite.Represent(ctx, figures))
	if !slices.Equal(r.Shape, []int{48, 1280}) {
		t.Errorf("shape %v", r.Shape)
	}
	first := reports.Swap(0)
	values := must[tl.Tensor](t)(r.Values(ctx))
	if first == 0 || reports.Load() != 0 {
		t.Errorf("%d reports while computing, %d while reading what is cached", first, reports.Load())
	}
	// A subset in another order finds the same rows: they are keyed by the image.
	again := must[tl.Tensor](t)(tl.Representation{Base: lite, Data: figures.Rows(5, 3)}.Values(ctx))
	if reports.Load() != 0 || !slices.Equal(again.Row(0), values.Row(5)) || !slices.Equal(again.Row(1), values.Row(3)) {
		t.Error("the rows of a subset differ, or were computed again")
	}
}

func TestRawPixels(t *testing.T) {
	ownCache(t)
	r := must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures.Take(3)))
	values := must[tl.Tensor](t)(r.Values(quiet()))
	if !slices.Equal(r.Shape, []int{3, 1024}) || slices.Min(values.Data) < 0 || slices.Max(values.Data) > 1 || slices.Max(values.Data) == 0 {
		t.Errorf("shape %v, values from %g to %g", r.Shape, slices.Min(values.Data), slices.Max(values.Data))
	}
	if _, err := tl.RawPixels().Predict(quiet(), figures.Take(3)); err == nil || !strings.Contains(err.Error(), "WithHead") {
		t.Errorf("predicting with raw pixels: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	model := lite.WithHead("bad input", tl.Dense(3))
	phase := tl.Phase{Epochs: 1, LearningRate: 1e-3}
	fit := func(change func(*tl.Phase)) error {
		p := phase
		change(&p)
		_, err := model.Fit(quiet(), figures, datasets.Dataset{}, p)
		return err
	}
	summary := func(m tl.Model) error { _, err := m.Summary(quiet()); return err }
	_, unknownBase := tl.Load("vgg17").Summary(quiet())
	_, unknownData := lite.Represent(quiet(), datasets.Open("elvp"))
	_, unknownBlock := model.Unfreeze(quiet(), "mbconv99")
	_, tooMany := model.UnfreezeTop(quiet(), 99)
	_, tooFew := lite.WithHead("two", tl.Dense(2)).Fit(quiet(), figures, datasets.Dataset{}, phase)
	_, noEpoch := model.StepBack(quiet(), 1)
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"base", `no base "vgg17": did you mean vgg16? (have efficientnet_lite0`, unknownBase},
		{"data set", "elpv", unknownData},
		{"block", `no block "mbconv99": did you mean mbconv9? (have stem, mbconv1`, unknownBlock},
		{"top", "has 18 blocks", tooMany},
		{"logits", "class 2, but the head gives 2 logits: end it in tl.Dense(3)", tooFew},
		{"step back", "no phase was fitted yet", noEpoch},
		{"name", "a model needs a name", summary(lite.WithHead("", tl.Dense(2)))},
		{"empty head", "ends in tl.Dense", summary(lite.WithHead("m"))},
		{"units", "tl.Dense(0)", summary(lite.WithHead("m", tl.Dense(0)))},
		{"dropout", "tl.Dropout(1)", summary(lite.WithHead("m", tl.Dropout(1), tl.Dense(2)))},
		{"epochs", "Epochs is 0", fit(func(p *tl.Phase) { p.Epochs = 0 })},
		{"rate 0", "freeze what must not move", fit(func(p *tl.Phase) { p.LearningRate = 0 })},
		{"rate NaN", "LearningRate is NaN", fit(func(p *tl.Phase) { p.LearningRate = math.NaN() })},
		{"decay", "RateDecay is 3", fit(func(p *tl.Phase) { p.RateDecay = 3 })},
		{"batch", "BatchSize is -1", fit(func(p *tl.Phase) { p.BatchSize = -1 })},
		{"optimizer", `no optimizer "lion"`, fit(func(p *tl.Phase) { p.Optimizer = "lion" })},
		{"schedule", `"sawtooth"`, fit(func(p *tl.Phase) { p.Schedule = "sawtooth" })},
		{"batch norm", "batch-norm policy", fit(func(p *tl.Phase) { p.BatchNorm = "half" })},
		{"smoothing", "LabelSmoothing is 1", fit(func(p *tl.Phase) { p.LabelSmoothing = 1 })},
		{"frozen rate", "which is frozen: unfreeze it", fit(func(p *tl.Phase) { p.Rates = map[string]float64{"top": 1} })},
		{"unknown rate", `a rate for a block: no block "toop": did you mean top?`, fit(func(p *tl.Phase) { p.Rates = map[string]float64{"toop": 1} })},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, c.err, c.want)
		} else if strings.Contains(c.err.Error(), "\n") || !strings.HasPrefix(c.err.Error(), "tl: ") {
			t.Errorf("%s: error is not one line that begins with tl: %v", c.name, c.err)
		}
	}
}
