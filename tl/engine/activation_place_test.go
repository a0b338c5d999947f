package engine

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// heard is a context whose verbs note the lines that stay.
func heard(lines *[]string) context.Context {
	var mu sync.Mutex
	return tl.WithReport(context.Background(), func(p remote.Progress) {
		if p.Finished && strings.Contains(p.Stage, "activations") {
			mu.Lock()
			defer mu.Unlock()
			*lines = append(*lines, p.Stage)
		}
	})
}

// TestMoreRowsThanPlace trains with place for a third of the activations on disk and a third in memory: the others are computed in each epoch, which is
// said, and the losses are those of a run with place for all.
func TestMoreRowsThanPlace(t *testing.T) {
	train, valid := figures.Split(0.75, 1)
	train = train.Augment(datasets.Augmentation{FlipLeftRight: true})
	model := lite.WithHead("place", tl.Dense(3))
	fit := func() (tl.History, []float32, []string) {
		ownCache(t)
		var said []string
		ctx := heard(&said)
		must[bool](t)(model.Reset(ctx))
		h := must[tl.History](t)(model.Fit(ctx, train, valid, tl.Phase{Epochs: 2, LearningRate: 1e-3}))
		return h, must[tl.Tensor](t)(tl.Representation{Base: lite, Data: train}.Values(quiet())).Data, said
	}
	want, rows, said := fit()
	if len(said) != 0 {
		t.Errorf("said %q", said)
	}
	t.Setenv(ActivationsVariable, "120 kB") // 23 rows of 5,156 bytes
	defer func(most int64) { mostInMemory = most }(mostInMemory)
	mostInMemory = inMemory.Load() + 110<<10 // 22 rows of 5,120 bytes
	got, others, said := fit()
	if len(said) != 2 || !strings.Contains(said[0], "27 of 36 images, which are computed anew each time: all of these take 186 kB, and all activations together may take 120 kB of the disk: set TLAB_ACTIVATIONS to more") {
		t.Errorf("said %d lines: %q", len(said), said)
	}
	for i, e := range want.Epochs {
		if math.Abs(e.Loss-got.Epochs[i].Loss) > 1e-4 || math.Abs(e.ValidLoss-got.Epochs[i].ValidLoss) > 1e-4 {
			t.Errorf("epoch %d: losses %g and %g with place, %g and %g without", i+1, e.Loss, e.ValidLoss, got.Epochs[i].Loss, got.Epochs[i].ValidLoss)
		}
	}
	for i, v := range rows {
		if math.Abs(float64(v-others[i])) > 1e-4 {
			t.Fatalf("number %d is %g with place, %g without", i, v, others[i])
		}
	}
	if _, bytes := left(t); bytes > 120_000 || inMemory.Load() > mostInMemory {
		t.Errorf("%d bytes on disk, %d in memory", bytes, inMemory.Load())
	}
	if other := filepath.Join(activationsRoot, "efficientnet_lite0-11"); len(must[[]string](t)(filepath.Glob(other+"*"))) != 0 {
		t.Error("the tap's rows are there, which do not fit")
	}
}

// TestNoFolder: where no folder can be made the work goes on in memory, and says so.
func TestNoFolder(t *testing.T) {
	ownCache(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	activationsRoot = filepath.Join(file, "inside")
	var said []string
	ctx := heard(&said)
	r := must[tl.Representation](t)(tl.RawPixels().Represent(ctx, figures))
	if values := must[tl.Tensor](t)(r.Values(ctx)); values.Len() != 48 {
		t.Errorf("%d rows", values.Len())
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "the activations of these images are kept in this process alone: mkdir "+file) || !strings.Contains(said[0], "not a directory") {
		t.Errorf("said %q", said)
	}
}

// TestUnusedCachesMakeWay: a cache that this engine has open and no call uses is removed for one that needs the place.
func TestUnusedCachesMakeWay(t *testing.T) {
	ownCache(t)
	t.Setenv(ActivationsVariable, "300 kB")
	must[tl.Representation](t)(tl.RawPixels().Represent(quiet(), figures))
	if names, bytes := left(t); !strings.HasPrefix(names, "raw") || bytes != 48*(4096+indexEntry) {
		t.Fatalf("%s with %d bytes", names, bytes)
	}
	must[tl.Representation](t)(lite.Represent(quiet(), figures))
	if names, bytes := left(t); !strings.HasPrefix(names, "efficientnet_lite0-18-") || strings.Contains(names, "raw") || bytes != 48*(5120+indexEntry) {
		t.Errorf("%s with %d bytes", names, bytes)
	}
	if again := must[tl.Tensor](t)(tl.Representation{Base: tl.RawPixels(), Data: figures}.Values(quiet())); again.Len() != 48 {
		t.Errorf("%d rows", again.Len())
	}
}

// TestIdleCachesAreClosed: another process may remove what this one did not use for long.
func TestIdleCachesAreClosed(t *testing.T) {
	ownCache(t)
	e := inProcess()
	b := must[*base](t)(e.base(quiet(), tl.RawPixels()))
	s := source{b, b.values}
	c := must[*activationCache](t)(e.cacheFor(quiet(), s, s.at(0), "plain"))
	key := filepath.Base(c.dir)
	if e.closeIdle(key, c); c.open == nil || e.caches[key] != c {
		t.Error("a cache that was just used is closed")
	}
	c.used.last = time.Now().Add(-openIdle)
	if e.closeIdle(key, c); c.open != nil || e.caches[key] != nil {
		t.Error("a cache that was not used for long is open")
	}
	if other := must[*activationCache](t)(e.cacheFor(quiet(), s, s.at(0), "plain")); other == c || other.open == nil {
		t.Error("it is not opened again")
	}
}

// TestWrongLimit is refused, not taken for another.
func TestWrongLimit(t *testing.T) {
	ownCache(t)
	t.Setenv(ActivationsVariable, "much")
	_, err := lite.Represent(quiet(), figures.Take(2))
	if err == nil || !strings.Contains(err.Error(), `TLAB_ACTIVATIONS is "much": give a size such as 10GB`) {
		t.Errorf("error %v", err)
	}
}

// sharersVariable makes the test binary a child of TestProcessesShareOneComputation: its value is where activations go.
const sharersVariable = "TLAB_TEST_SHARERS"

var shared = datasets.Shapes(4000, 5)

// TestProcessesShareOneComputation has three processes represent the same images at once, and kills the one that computes with SIGKILL. Another goes on
// where it was, no row is there twice, and each is right.
func TestProcessesShareOneComputation(t *testing.T) {
	if root := os.Getenv(sharersVariable); root != "" {
		activationsRoot = root
		share()
		return
	}
	ownCache(t)
	var waits sync.WaitGroup
	var mu sync.Mutex
	killed, waited := 0, 0
	for range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestProcessesShareOneComputation$")
		child.Env = append(os.Environ(), sharersVariable+"="+activationsRoot)
		child.Stderr = os.Stderr
		out := must[interface{ Read([]byte) (int, error) }](t)(child.StdoutPipe())
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		waits.Go(func() {
			mine := false
			for lines := bufio.NewScanner(out); lines.Scan(); {
				mu.Lock()
				switch text := lines.Text(); {
				case strings.HasPrefix(text, "waiting"):
					waited++
				case text == "1024" && killed == 0:
					killed, mine = 1, true
					child.Process.Kill()
				}
				mu.Unlock()
			}
			if err := child.Wait(); (err != nil) != mine {
				t.Errorf("a child ended with %v", err)
			}
		})
	}
	waits.Wait()
	if killed != 1 || waited == 0 {
		t.Errorf("%d were killed, %d times one waited for another", killed, waited)
	}
	index := must[[]string](t)(filepath.Glob(filepath.Join(activationsRoot, "*", "index.bin")))
	if len(index) != 1 {
		t.Fatalf("caches %v", index)
	}
	if rows := must[os.FileInfo](t)(os.Stat(index[0])).Size(); rows != 4000*indexEntry {
		t.Errorf("%g rows are on disk instead of 4,000", float64(rows)/indexEntry)
	}
	_, timing, err := registeredEngine.representation(quiet(), tl.RepresentRequest{Base: tl.RawPixels(), Data: shared}, silent)
	if err != nil || timing.Computed != 0 {
		t.Fatal(timing.Computed, err)
	}
	few := shared.Rows(0, 2000, 3999)
	got := must[tl.Tensor](t)(tl.Representation{Base: tl.RawPixels(), Data: few}.Values(quiet()))
	ownCache(t)
	want := must[tl.Tensor](t)(tl.Representation{Base: tl.RawPixels(), Data: few}.Values(quiet()))
	if !slices.Equal(got.Data, want.Data) {
		t.Error("what the processes computed together differs from what one computes alone")
	}
}

// share represents the images slowly, and prints how far it is.
func share() {
	ctx := tl.WithReport(quiet(), func(p remote.Progress) {
		switch {
		case strings.HasPrefix(p.Stage, "waiting"):
			fmt.Println(p.Stage)
		case p.Done > 0:
			fmt.Println(p.Done)
			time.Sleep(5 * time.Millisecond)
		}
	})
	if _, err := tl.RawPixels().Represent(ctx, shared); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
