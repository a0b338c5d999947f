package engine

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

var (
	budgets     = flag.String("budget", "1m,2m,3m,5m,8m", "BenchmarkBudget: the budgets, separated by commas")
	budgetSeeds = flag.Int("seeds", 3, "BenchmarkBudget: how many seeds")
	budgetTest  = flag.Bool("held-out", true, "BenchmarkBudget: look at the held-out rows, once for each model; off while numbers are chosen on the validation rows")
	budgetAll   = flag.Bool("all-rows", false, "BenchmarkBudget: train on the validation rows, too, when all numbers are chosen; the last epoch stands, as in the peers")
	budgetTried = flag.String("tried", "", "BenchmarkBudget: a JSON file to which every run is appended")
	budgetHow   = flag.String("procedure", "", "BenchmarkBudget: a JSON file with an Augmentation and a Procedure; \"\" is the default, \"-\" prints that")
)

// budgetConfiguration is what BenchmarkBudget runs.
type budgetConfiguration struct {
	Augmentation datasets.Augmentation
	Procedure    tl.Procedure
}

// budgetRun is one run in the file of -tried.
type budgetRun struct {
	When          time.Time
	Seed          int64
	Configuration budgetConfiguration
	Seconds       float64
	Phases        []tl.History
	Plans         []tl.Plan
	Notes         []string
	AllRows       bool     // the validation rows were trained on, too
	Valid         float64  // accuracy
	Test          *float64 `json:",omitempty"` // where it was looked at

	ValidAugmented float64  // accuracy of the mean over the views
	TestAugmented  *float64 `json:",omitempty"`

	Load string // of the machine before the run, /proc/loadavg
}

// BenchmarkBudget runs a procedure within each budget on ELPV, every fourth row held out, for some seeds (of the split into training and validation
// rows, the head and the order), and prints a table. Each run begins as a first one: without activations, compiled graphs and measured speeds.
//
//	go test -run '^$' -bench Budget -benchtime 1x -timeout 3h ./tl/engine -budget 1m,2m,3m,5m,8m -seeds 3
//
// Numbers are chosen with -held-out=false -tried FILE, which keeps every configuration that was tried with its accuracy on the validation rows, and
// -procedure FILE.
func BenchmarkBudget(b *testing.B) {
	if !strings.Contains(strings.Join(os.Args, " "), "Budget") {
		b.Skip("only where it is asked for by name: it takes an hour")
	}
	how := budgetConfiguration{datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true}, tl.FineTune(tl.Tuning{})}
	switch *budgetHow {
	case "":
	case "-":
		text, _ := json.MarshalIndent(how, "", "  ")
		fmt.Println(string(text))
		return
	default:
		text, err := os.ReadFile(*budgetHow)
		if err == nil {
			err = json.Unmarshal(text, &how)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var out strings.Builder
		fmt.Fprint(&out, "\n| budget | seed | seconds | epochs | valid accuracy | test accuracy | 95 % interval | mean of the views |\n|---|---|---|---|---|---|---|---|\n")
		for text := range strings.SplitSeq(*budgets, ",") {
			budget, err := time.ParseDuration(text)
			if err != nil {
				b.Fatal(err)
			}
			how.Procedure.Budget = budget
			var valid, test, averaged, seconds []float64
			for seed := range int64(*budgetSeeds) {
				run, line := oneBudget(b, how, seed)
				out.WriteString(line)
				valid, seconds = append(valid, run.Valid), append(seconds, run.Seconds)
				if run.Test != nil {
					test, averaged = append(test, *run.Test), append(averaged, *run.TestAugmented)
				}
			}
			fmt.Fprintf(&out, "| **%s** | median | %.1f | | %.3f | %s | | %s |\n", budget, median(seconds), median(valid), shareText(test), shareText(averaged))
		}
		fmt.Println(out.String())
	}
}

// oneBudget is one run, and its line of the table.
func oneBudget(b *testing.B, how budgetConfiguration, seed int64) (budgetRun, string) {
	b.Helper()
	rest, test := datasets.Open("elpv").EveryNth(4)
	train, valid := rest.Split(0.85, seed+1)
	beginAnew(b)
	model := lite.WithHead("budget", tl.Dense(2)).Seeded(seed)
	load, _ := os.ReadFile("/proc/loadavg")
	run := budgetRun{When: time.Now(), Seed: seed, Configuration: how, Load: strings.TrimSpace(string(load))}
	chooses := valid
	if *budgetAll {
		train, chooses = rest, datasets.Dataset{}
	}
	outcome, err := model.Run(quiet(), train.Augment(how.Augmentation), chooses, how.Procedure)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Println(outcome)
	run.Seconds, run.Phases, run.Plans, run.Notes = outcome.Seconds, outcome.Histories, outcome.Plans, outcome.Notes
	run.AllRows = *budgetAll
	run.Valid, run.ValidAugmented, _ = bothAccuracies(b, model, valid.Augment(how.Augmentation)) // with -all-rows they say nothing
	seen, averaged, interval := "–", fmt.Sprintf("(%.3f)", run.ValidAugmented), ""
	if *budgetTest {
		plain, augmented, e := bothAccuracies(b, model, test.Augment(how.Augmentation))
		run.Test, run.TestAugmented = &plain, &augmented
		seen, averaged, interval = fmt.Sprintf("%.3f", plain), fmt.Sprintf("%.3f", augmented), fmt.Sprintf("%.3f to %.3f", e.Interval[0], e.Interval[1])
	}
	if *budgetTried != "" {
		if err := appendJSON(*budgetTried, run); err != nil {
			b.Fatal(err)
		}
	}
	var epochs []string
	for _, h := range run.Phases {
		epochs = append(epochs, fmt.Sprint(len(h.Epochs)))
	}
	line := fmt.Sprintf("| %s | %d | %.1f | %s | %.3f | %s | %s | %s |\n", how.Procedure.Budget, seed, run.Seconds, strings.Join(epochs, " + "), run.Valid, seen, interval,
		averaged)
	fmt.Print(line)
	return run, line
}

// bothAccuracies are those of the plain images and of the mean over their views; plain is the evaluation of the first.
func bothAccuracies(b *testing.B, model tl.Model, d datasets.Dataset) (accuracy, augmented float64, plain tl.Evaluation) {
	b.Helper()
	plain, err := model.Evaluate(quiet(), d)
	if err != nil {
		b.Fatal(err)
	}
	averaged, err := model.EvaluateAugmented(quiet(), d)
	if err != nil {
		b.Fatal(err)
	}
	return plain.Accuracy(), averaged.Accuracy(), plain
}

// beginAnew makes the engine forget what it computed, compiled, trained, loaded and measured; the plugin stays open.
func beginAnew(b *testing.B) {
	b.Helper()
	e := registeredEngine
	e.mu.Lock()
	defer e.mu.Unlock()
	activationsRoot = b.TempDir()
	e.caches = map[string]*activationCache{}
	for _, p := range e.programs {
		p.close()
	}
	e.programs, e.models, e.bases = map[string]*program{}, map[string]*trained{}, map[string]*base{}
	e.speeds.mu.Lock()
	e.speeds.seconds = nil
	e.speeds.mu.Unlock()
	b.Cleanup(func() { activationsRoot = "" })
}

// appendJSON adds v to the list in a JSON file.
func appendJSON(name string, v any) error {
	var list []json.RawMessage
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	one, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text, err = json.MarshalIndent(append(list, one), "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func median(numbers []float64) float64 {
	sorted := slices.Sorted(slices.Values(numbers))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func shareText(numbers []float64) string {
	if len(numbers) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", median(numbers))
}
