package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

var (
	mostImages = flag.Int("images", 2000, "TestHundredThousand: the largest number of synthetic images")
	figure     = flag.String("figure", "", "TestHundredThousand: draw time and memory into this PNG file")
	scaledBase = flag.String("scale-base", "", "TestHundredThousand: a base of the zoo instead of a light network")
)

// light is a network whose forward pass costs less than drawing the images. Its rows before the last halving of the resolution take 25 kB.
var light = tl.Sequence("light", []int{224, 224, 3},
	tl.Named("low", tl.Conv(8, 3).Strided(2), tl.ReLU(), tl.MaxPool(2), tl.Conv(8, 3).Strided(2), tl.ReLU()),
	tl.Named("middle", tl.Conv(16, 3).Strided(2), tl.ReLU()),
	tl.Named("high", tl.Conv(32, 3), tl.ReLU(), tl.GlobalAveragePool()))

// scaleVariable makes the test binary a child of TestHundredThousand: its value is the number of images and where activations go.
const scaleVariable = "TLAB_TEST_SCALE"

// measured is what one number of images took, in a process of its own with an empty cache.
type measured struct {
	Images int
	// Seconds of Represent, of a fit of the head for two epochs, of one epoch with two blocks thawed, of Evaluate and of PCA.
	Represent, Head, Tune, Evaluate, PCA float64
	Processor                            float64 // seconds of the processor, of all of it
	Resident, Anonymous                  int64   // the most bytes that were resident, and of these the most that are no pages of files
	Loss                                 float64
}

func (m measured) seconds() float64 { return m.Represent + m.Head + m.Tune + m.Evaluate + m.PCA }

// TestHundredThousand represents and fits synthetic images of 224×224, from 1,000 to 100,000 (-images), and says that memory stays below 2 GiB and that
// the time of the processor is linear in their number:
//
//	go test ./tl/engine -run TestHundredThousand -images 100000 -figure scale.png -timeout 1h -v
func TestHundredThousand(t *testing.T) {
	if text := os.Getenv(scaleVariable); text != "" {
		scale(text)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("memory is measured with /proc")
	}
	var all []measured
	for _, n := range []int{1000, 3000, 10_000, 30_000, 100_000} {
		if n < *mostImages {
			all = append(all, inChild(t, n))
		}
	}
	all = append(all, inChild(t, *mostImages))
	for _, m := range all {
		t.Logf("%7d images: represent %.1f s, head %.1f s, tune %.1f s, evaluate %.1f s, PCA %.1f s; %.2f ms of the processor an image; resident %d MiB, of it anonymous %d MiB; loss %.3f",
			m.Images, m.Represent, m.Head, m.Tune, m.Evaluate, m.PCA, 1000*m.Processor/float64(m.Images), m.Resident>>20, m.Anonymous>>20, m.Loss)
	}
	if *figure != "" {
		if err := drawScale(*figure, all); err != nil {
			t.Fatal(err)
		}
	}
	first, last := all[0], all[len(all)-1]
	if last.Resident > 2<<30 {
		t.Errorf("%d images take %d MiB of memory, more than 2 GiB", last.Images, last.Resident>>20)
	}
	if files := last.Resident - last.Anonymous; files > 640<<20 {
		t.Errorf("%d MiB of files are resident: the mapped rows are not given back", files>>20)
	}
	more := float64(last.Images - first.Images)
	if grown := float64(last.Anonymous-first.Anonymous) / more; len(all) > 1 && grown > 64<<10 && last.Anonymous-first.Anonymous > 128<<20 {
		t.Errorf("memory grows by %.0f bytes an image", grown)
	}
	// What an image costs beyond what a run costs may not rise: an index that is read anew for each piece, or a list that is copied, would make it.
	for i := 2; i < len(all); i++ {
		a, b, c := all[i-2], all[i-1], all[i]
		before := (b.Processor - a.Processor) / float64(b.Images-a.Images)
		after := (c.Processor - b.Processor) / float64(c.Images-b.Images)
		if after > 1.5*before {
			t.Errorf("an image takes %.2f ms of the processor between %d and %d, %.2f ms up to %d", 1000*before, a.Images, b.Images, 1000*after, c.Images)
		}
	}
}

// inChild measures n images in a process of its own.
func inChild(t *testing.T, n int) (m measured) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHundredThousand$", "-test.timeout=1h", "-scale-base="+*scaledBase)
	child.Env = append(os.Environ(), scaleVariable+"="+strconv.Itoa(n)+":"+t.TempDir())
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatalf("%d images: %v\n%s", n, err, out)
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%d images: %v in %s", n, err, out)
	}
	return m
}

// scale is the child's part.
func scale(text string) {
	number, root, _ := strings.Cut(text, ":")
	activationsRoot = root
	n, err := strconv.Atoi(number)
	if err == nil {
		err = measureScale(n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func measureScale(n int) error {
	ctx := tl.WithReport(context.Background(), nil)
	m := measured{Images: n}
	base, top := light, 2
	if *scaledBase != "" {
		base, top = tl.Load(*scaledBase), 5
	}
	model, data := base.WithHead("scale", tl.Dense(3)), datasets.Synthetic(n, 1)
	var most memory
	stop := most.watch()
	for _, part := range []struct {
		seconds *float64
		run     func() error
	}{
		{&m.Represent, func() error { _, err := base.Represent(ctx, data); return err }},
		{&m.Head, func() error {
			_, err := model.Fit(ctx, data, datasets.Dataset{}, tl.Phase{Epochs: 2, LearningRate: 1e-2})
			return err
		}},
		{&m.Tune, func() error {
			if _, err := model.UnfreezeTop(ctx, top); err != nil {
				return err
			}
			h, err := model.Fit(ctx, data, datasets.Dataset{}, tl.Phase{Epochs: 1, LearningRate: 1e-3})
			if err == nil {
				m.Loss = h.Epochs[0].Loss
			}
			return err
		}},
		{&m.Evaluate, func() error { _, err := model.Evaluate(ctx, data); return err }},
		{&m.PCA, func() error {
			_, err := tl.Representation{Base: base, Data: data}.PCA(ctx, 2)
			return err
		}},
	} {
		start := time.Now()
		if err := part.run(); err != nil {
			return err
		}
		*part.seconds = time.Since(start).Seconds()
	}
	stop()
	m.Resident, m.Anonymous = most.resident.Load(), most.anonymous.Load()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	m.Processor = time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	return json.NewEncoder(os.Stdout).Encode(m)
}

// memory is the most that this process occupied while it was watched.
type memory struct{ resident, anonymous atomic.Int64 }

// watch looks 20 times a second until stop.
func (m *memory) watch() (stop func()) {
	done, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			m.look()
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (m *memory) look() {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if i := slices.Index([]string{"VmHWM:", "RssAnon:"}, fields[0]); i >= 0 {
			kB, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel writes numbers
			most := []*atomic.Int64{&m.resident, &m.anonymous}[i]
			most.Store(max(most.Load(), kB<<10))
		}
	}
}
