package latency

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/tl/engine/peers"
)

var starts = flag.Int("starts", 5, "how many times each kernel is started for its first prediction")

// firstCell asks the same of the lab: the network that testdata/first_keras.py builds, the same weights and photograph, a new head.
const firstCell = `import (
	"context"
	"fmt"

	"transferlab/datasets"
	"transferlab/tl"
)
%%
photograph := datasets.Open("elpv").Take(1)
model := tl.Load("efficientnet_lite0").WithHead("first", tl.Dense(2))
fmt.Println("probabilities", tl.Must(model.Predict(context.Background(), photograph)).Probabilities.Data)`

// BenchmarkFirstPrediction times what somebody waits who opens a notebook: from the start of a kernel until the first prediction for one
// photograph is there, loading and compiling included. Kernels take turns. Nothing that an earlier run computed is found again.
func BenchmarkFirstPrediction(b *testing.B) {
	place := newBench(b, setup.ForLab)
	contenders := []*first{{name: "lab", launch: place.ours(), cell: firstCell}}
	keras, err := kerasFirst(b, place)
	switch {
	case errors.Is(err, peers.ErrMissing):
		fmt.Println("left out:", err)
	case err != nil:
		b.Fatal(err)
	default:
		contenders = append(contenders, keras)
	}
	for range b.N {
		for round := -1; round < *starts; round++ { // the first is for the disk's cache
			for _, c := range contenders {
				if err := c.run(b, round >= 0); err != nil {
					b.Fatalf("%s: %v", c.name, err)
				}
			}
			os.RemoveAll(filepath.Join(place.home, "activations"))
		}
	}
	fmt.Printf("\nfrom the start of the kernel to the first prediction for one photograph, seconds, medians of %d starts\n", *starts)
	for _, c := range contenders {
		fmt.Printf("%-22s %5.2f (%.2f–%.2f), of which the kernel's start %.2f, the cell %.2f\n", c.name, median(c.all).Seconds(),
			slices.Min(c.all).Seconds(), slices.Max(c.all).Seconds(), median(c.started).Seconds(), median(c.ran).Seconds())
		b.ReportMetric(median(c.all).Seconds(), strings.ReplaceAll(c.name, " ", "-")+"-s")
	}
}

// first is a kernel that is started again and again.
type first struct {
	name              string
	launch            kernel.Launch
	cell              string
	all, started, ran []time.Duration
}

func (c *first) run(b *testing.B, counts bool) error {
	began := time.Now()
	s, err := kernel.Start(b.Context(), c.launch)
	if err != nil {
		return err
	}
	defer s.Close()
	started := time.Since(began)
	ran, _, err := run(b.Context(), s, c.cell, "probabilities")
	if err == nil && counts {
		c.all, c.started, c.ran = append(c.all, time.Since(began)), append(c.started, started), append(c.ran, ran)
	}
	return err
}

// kerasFirst is ipykernel in the Python of package peers, whose weights PyTorch converts once.
func kerasFirst(b *testing.B, place bench) (*first, error) {
	places, err := peers.Find(b.Context())
	if err != nil {
		return nil, err
	}
	if err := places.CheckKeras(b.Context()); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join("testdata", "first_keras.py"))
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(place.lab.Module, "tl", "engine", "peers")
	weights := filepath.Join(b.TempDir(), "lite0.npz")
	b.Chdir(folder) // where its scripts are
	if err := places.ConvertWeights(b.Context(), weights); err != nil {
		return nil, err
	}
	photograph, err := firstPhotograph(places)
	if err != nil {
		return nil, err
	}
	names := fmt.Sprintf("PEERS, WEIGHTS, PHOTOGRAPH = %q, %q, %q\n", folder, weights, photograph)
	return &first{name: "ipykernel with Keras", launch: place.python(b, places.Keras), cell: names + string(text)}, nil
}

// firstPhotograph is the first row of the solar cells, which datasets.Open("elpv").Take(1) is.
func firstPhotograph(places peers.Places) (string, error) {
	labels, err := os.ReadFile(filepath.Join(places.ELPV, "labels.csv"))
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(labels))
	if len(words) == 0 {
		return "", errors.New("latency: labels.csv is empty")
	}
	return filepath.Join(places.ELPV, filepath.FromSlash(words[0])), nil
}
