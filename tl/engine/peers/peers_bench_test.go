package peers

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"testing"

	"transferlab/datasets/fetch"
	_ "transferlab/tl/engine" // carries out the verbs in this process
	"transferlab/tl/engine/backend"
)

var (
	headEpochs = flag.Int("epochs-head", 5, "epochs with the whole base frozen")
	tuneEpochs = flag.Int("epochs-tune", 3, "epochs with the last blocks unfrozen")
	unfreeze   = flag.Int("unfreeze", 5, "how many of the 16 last MBConv blocks to unfreeze")
	seed       = flag.Int("peer-seed", 0, "seed of every tool in the first round; each round has the next")

	recipeRounds = flag.Int("recipe-rounds", 3, "how often each tool runs the recipe; medians count")
	own          = flag.Bool("own-recipe", false, "run the project's recipe in this process and print its receipt (the benchmark's own use)")
)

func options() Options {
	return Options{HeadEpochs: *headEpochs, TuneEpochs: *tuneEpochs, Unfreeze: *unfreeze, Seed: *seed}
}

// TestMain lets the benchmark start this binary as a process that does nothing but the project's recipe, or that answers for speed jobs.
func TestMain(m *testing.M) {
	flag.Parse()
	if *ownSpeed {
		if err := answerJobs(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if !*own {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	receipt, err := Own(ctx, options())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(receipt); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkPeers runs the recipe in each tool, in a process of its own, three times in turn, and prints the medians. Take -benchtime 1x and a
// -timeout of 90m: each peer takes minutes.
func BenchmarkPeers(b *testing.B) {
	ctx, o := b.Context(), options()
	places, err := Find(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var receipts []Receipt
	var missing []string
	folder := b.TempDir()
	for round := range *recipeRounds { // one tool after the other, so that each meets the machine as the others do
		o := o
		o.Seed += round
		for _, tool := range tools(ctx, places, o, folder) {
			b.Run(tool.name, func(b *testing.B) {
				if err := tool.check(); errors.Is(err, ErrMissing) {
					missing = append(missing, "left out: "+err.Error())
					b.Skip(err)
				}
				for range b.N {
					command, err := tool.command()
					if err != nil {
						b.Fatal(err)
					}
					r, err := Run(tool.name, command, os.Stderr)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(r.Total, "total-s")
					b.ReportMetric(r.TuneAccuracy, "accuracy")
					receipts = append(receipts, r)
				}
			})
		}
	}
	if len(receipts) > 0 {
		fmt.Printf("\n%d epochs of the head, %d of the last %d blocks, seed %d and up; seconds, medians of %d rounds\n\n%s\n%s\n", o.HeadEpochs, o.TuneEpochs, o.Unfreeze,
			o.Seed, *recipeRounds, Table(receipts), CompareText(Compare(receipts)))
	}
	slices.Sort(missing)
	for _, line := range slices.Compact(missing) {
		fmt.Println(line)
	}
}

// tool is one row of the table.
type tool struct {
	name    string
	check   func() error // wraps ErrMissing where the tool is not set up
	command func() (*exec.Cmd, error)
}

// tools are the rows of the table in their order; folder is for what they need for a while.
func tools(ctx context.Context, p Places, o Options, folder string) []tool {
	keras := func(cached bool) func() (*exec.Cmd, error) {
		weights := filepath.Join(folder, "lite0.npz")
		return func() (*exec.Cmd, error) {
			return p.KerasCommand(ctx, o, weights, cached), p.ConvertWeights(ctx, weights)
		}
	}
	checkKeras := func() error { return p.CheckKeras(ctx) }
	return []tool{
		{"this lab", func() error { return nil }, func() (*exec.Cmd, error) { return ownCommand(ctx, o, folder) }},
		{"PyTorch", func() error { return p.CheckTorch(ctx) }, func() (*exec.Cmd, error) { return p.TorchCommand(ctx, o), nil }},
		{"Keras", checkKeras, keras(false)},
		{"Keras, cached", checkKeras, keras(true)},
	}
}

// ownCommand is this binary as a process that runs the recipe once, with everything fetched that it needs (set-up is not measured) and
// a home of its own under folder that holds what was fetched but no activations.
func ownCommand(ctx context.Context, o Options, folder string) (*exec.Cmd, error) {
	if _, _, err := backend.Config(ctx, nil); err != nil {
		return nil, err
	}
	real, err := fetch.Home()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(folder, "home")
	if err != nil {
		return nil, err
	}
	for _, kept := range []string{"downloads", "unpacked", "verified"} {
		if err := os.Symlink(filepath.Join(real, kept), filepath.Join(home, kept)); err != nil {
			return nil, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, "-own-recipe", "-epochs-head", fmt.Sprint(o.HeadEpochs), "-epochs-tune",
		fmt.Sprint(o.TuneEpochs), "-unfreeze", fmt.Sprint(o.Unfreeze), "-peer-seed", fmt.Sprint(o.Seed))
	command.Env = append(os.Environ(), "TLAB_HOME="+home)
	return command, nil
}
