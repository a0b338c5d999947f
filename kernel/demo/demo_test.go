package demo

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"transferlab/tl"
	"transferlab/tl/remote"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestTraining(t *testing.T) {
	table := lay(t, Config{})
	table.until("warm up", func(s State) bool { return s.Engine.State == "ready" })
	classes := table.state().Classes
	table.do(409, "POST", "train", nil) // nothing to learn
	table.do(409, "POST", "predict", photo(t, 1))
	table.add(classes[0].ID, 4)
	table.do(409, "POST", "train", nil) // nothing to tell it from
	table.add(classes[1].ID, 11)
	table.do(200, "POST", "train", nil)
	state := table.until("train", func(s State) bool { return s.Training.State == "done" })
	if state.Training.Held != 0 || state.Training.Rows != 15 || state.Model == nil || state.Model.Stale {
		t.Errorf("with four pictures in a class: %+v, %+v", state.Training, state.Model)
	}
	table.add(classes[0].ID, 6)
	if !table.state().Model.Stale {
		t.Error("new pictures, and the model is said to know them")
	}
	table.do(200, "POST", "train", nil)
	state = table.until("train again", func(s State) bool { return s.Training.Run == 2 && s.Training.State == "done" })
	if len(state.Training.Curve) != 1 || *state.Training.Curve[0].ValidAccuracy != 1 || state.Training.Kept != 1 {
		t.Errorf("curve %+v", state.Training)
	}
	// Held out are the last fifth of each class.
	var last []string
	for _, c := range state.Classes {
		for _, id := range c.Pictures[len(c.Pictures)-len(c.Pictures)/5:] {
			last = append(last, c.Name+"/"+strings.Repeat("0", 6-len(itoa(id)))+itoa(id)+".jpg")
		}
	}
	table.engine.set(func() {
		if held := table.engine.held; !slices.Equal(held, last) || len(held) != 4 {
			t.Errorf("held out are %q; the last are %q", held, last)
		}
	})
	if left, _ := filepath.Glob(filepath.Join(table.server.cfg.Dir, "training-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Fine-tuning is a second phase on the same curve, within its time, with the last blocks unfrozen.
func TestFineTuning(t *testing.T) {
	table := lay(t, Config{FineTune: 7 * time.Second})
	for _, c := range table.state().Classes {
		table.add(c.ID, 5)
	}
	table.do(200, "POST", "train?fine-tune=yes", nil)
	state := table.until("train", func(s State) bool { return s.Training.State == "done" })
	if want := []PhaseState{{"head", 0}, {"fine-tune", 1}}; !slices.Equal(state.Training.Phases, want) || len(state.Training.Curve) != 2 || state.Training.Kept != 2 {
		t.Errorf("%+v, want phases %v", state.Training, want)
	}
	table.engine.set(func() {
		fits, calls := table.engine.fits, table.engine.calls
		if len(fits) != 2 || fits[0].Phase.Within != 0 || fits[1].Phase.Within != 7*time.Second || fits[1].Phase.RateDecay != 1.0/3 {
			t.Errorf("phases %+v", fits)
		}
		if !slices.Contains(calls, tl.VerbUnfreezeTop) {
			t.Errorf("nothing was unfrozen: %q", calls)
		}
	})
}

// While one training runs there is no second, and what is removed meanwhile does not disturb it.
func TestOneTrainingAtATime(t *testing.T) {
	table := lay(t, Config{})
	hold := make(chan struct{})
	table.engine.set(func() { table.engine.hold = hold })
	for _, c := range table.state().Classes {
		table.add(c.ID, 5)
	}
	table.do(200, "POST", "train", nil)
	state := table.until("the first epoch", func(s State) bool { return len(s.Training.Curve) == 1 })
	if state.Training.Left != 3 || *state.Training.Curve[0].ValidLoss != 0.25 {
		t.Errorf("%+v", state.Training)
	}
	table.do(409, "POST", "train", nil)
	table.do(200, "DELETE", "classes/"+itoa(state.Classes[0].ID)+"/pictures", nil)
	close(hold)
	state = table.until("its end", func(s State) bool { return s.Training.State == "done" })
	if !state.Model.Stale {
		t.Error("pictures were removed during the training, and the model is said to be of what is there")
	}
	table.do(409, "POST", "stop", nil)
}

func TestStopAndReset(t *testing.T) {
	table := lay(t, Config{})
	table.engine.set(func() { table.engine.hold = make(chan struct{}) })
	for _, c := range table.state().Classes {
		table.add(c.ID, 5)
	}
	table.do(200, "POST", "train", nil)
	table.until("the first epoch", func(s State) bool { return len(s.Training.Curve) == 1 })
	table.do(200, "POST", "stop", nil)
	state := table.until("its end", func(s State) bool { return s.Training.State == "stopped" })
	if state.Model == nil {
		t.Error("a training that was stopped after an epoch leaves a model")
	}
	table.do(200, "POST", "train", nil)
	table.until("the second", func(s State) bool { return s.Training.Run == 2 && len(s.Training.Curve) == 1 })
	table.do(429, "POST", "predict", photo(t, 1)) // it would wait for the training, and be answered by another model
	table.do(200, "POST", "reset", nil)
	state = table.state()
	if state.Model != nil || state.Training.State != "" || len(state.Classes) != 2 || len(state.Classes[0].Pictures) != 0 || state.Round != 2 {
		t.Errorf("after a reset: %+v", state)
	}
	if left, _ := filepath.Glob(filepath.Join(table.server.cfg.Dir, "*", "*", "*.jpg")); len(left) != 0 {
		t.Errorf("after a reset there are %q", left)
	}
}

// Two pages, one of which resets while the other starts a training: no model of pictures that are gone.
func TestResetMeetsTraining(t *testing.T) {
	table := lay(t, Config{})
	for range 30 {
		for _, c := range table.state().Classes {
			table.add(c.ID, 1)
		}
		var other sync.WaitGroup
		other.Go(func() { _ = table.server.train(false) }) // refused where the reset came first
		if err := table.server.reset(); err != nil {
			t.Fatal(err)
		}
		other.Wait()
		if s := table.state(); s.Model != nil || s.Training.State != "" || len(s.Classes) != 2 {
			t.Fatalf("after a reset: %+v", s)
		}
	}
}

// What keeps the network from the pictures is said, and taken back when it has seen them.
func TestUnseenPictures(t *testing.T) {
	table := lay(t, Config{})
	table.until("warm up", func(s State) bool { return s.Engine.State == "ready" })
	table.engine.set(func() { table.engine.cold = errors.New("no space left on device") })
	table.add(table.state().Classes[0].ID, 1)
	table.until("hear why", func(s State) bool {
		return s.Engine.Text == notSeen+"no space left on device" && s.Engine.State == "ready" && s.Unseen == 1
	})
	table.engine.set(func() { table.engine.cold = nil })
	table.until("see them", func(s State) bool { return s.Engine.Text == "" && s.Unseen == 0 })
}

func TestFailingEngine(t *testing.T) {
	table := lay(t, Config{})
	table.engine.set(func() { table.engine.err = errors.New("remote: the engine ended") })
	for _, c := range table.state().Classes {
		table.add(c.ID, 1)
	}
	table.do(200, "POST", "train", nil)
	state := table.until("train", func(s State) bool { return s.Training.State == "failed" })
	if state.Model != nil || !strings.Contains(state.Training.Text, "the engine ended") {
		t.Errorf("%+v", state)
	}
	table.server.EngineIs("starting", "The engine was killed.")
	table.until("come back", func(s State) bool {
		return s.Engine.State == "ready" && s.Engine.Text == "The engine was killed." && s.Unseen == 0
	})
	table.engine.set(func() { table.engine.cold = errors.New(`tl: load "vgg17": no such base`) })
	table.server.EngineIs("starting", "")
	table.until("hear why", func(s State) bool {
		return s.Engine.State == "starting" && strings.Contains(s.Engine.Text, "no such base")
	})
	table.engine.set(func() { table.engine.cold = nil })
	table.until("come back again", func(s State) bool { return s.Engine.State == "ready" && s.Engine.Text == "" })
	table.server.EngineIs("down", "It stays down.")
	table.do(503, "POST", "train", nil)
}

func TestPredict(t *testing.T) {
	table := lay(t, Config{})
	state := table.trained()
	table.do(200, "PUT", "classes/"+itoa(state.Classes[1].ID), asName("renamed"))
	var answer Answer
	if err := json.Unmarshal([]byte(table.do(200, "POST", "predict", photo(t, 9))), &answer); err != nil {
		t.Fatal(err)
	}
	want := ClassAnswer{ID: state.Classes[1].ID, Name: "renamed", Probability: 1}
	if len(answer.Classes) != 2 || answer.Classes[0] != want {
		t.Errorf("%+v, want first %+v", answer.Classes, want)
	}
	if h := answer.Heat; h == nil || !slices.Equal(h.Values, []float32{0, 0.5, 1, 0}) {
		t.Errorf("heat %+v", h)
	}
	if first := table.state().Model.Seconds; !(first > 0) {
		t.Errorf("%v s from the first picture to the first prediction", first)
	}
	table.server.answering <- struct{}{}
	table.do(429, "POST", "predict", photo(t, 9))
	<-table.server.answering
	table.do(415, "POST", "predict", []byte("hello"))
	if left, _ := filepath.Glob(filepath.Join(table.server.cfg.Dir, "asked-*")); len(left) != 0 {
		t.Errorf("pictures that were asked about stay: %q", left)
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	table := lay(t, Config{Keep: dir})
	state := table.trained()
	if want := filepath.Join(dir, "round-1", "model-1"); state.Model.Saved != want {
		t.Errorf("saved in %q, want %q", state.Model.Saved, want)
	}
	table.do(200, "POST", "reset", nil)
	if files, _ := filepath.Glob(filepath.Join(dir, "round-1", "pictures", "class ?", "*.jpg")); len(files) != 10 {
		t.Errorf("after a reset the kept pictures are %q", files)
	}
	if _, err := os.Stat(filepath.Join(dir, "round-2", "pictures")); err != nil {
		t.Error(err)
	}
	table.server.Close()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("a round without pictures leaves %q", left)
	}
}

// The stream sends the state at once and at each change, and ends with the demo.
func TestEvents(t *testing.T) {
	table := lay(t, Config{})
	r, err := http.NewRequestWithContext(t.Context(), "GET", table.http.URL+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "127.0.0.1:8990"
	r.Header.Set(tokenHeader, table.server.Token())
	response, err := table.http.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	next := func() (s State) {
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				if err := json.Unmarshal([]byte(data), &s); err != nil {
					t.Fatal(err)
				}
				return s
			}
		}
		t.Fatal("the stream ended")
		return s
	}
	if s := next(); len(s.Classes) != 2 || s.Classes[0].Name != "class 1" {
		t.Errorf("%+v", s)
	}
	table.do(200, "POST", "classes", asName("</script><b>"))
	for deadline := time.Now().Add(5 * time.Second); ; {
		if s := next(); len(s.Classes) == 3 && s.Classes[2].Name == "<-script><b>" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new class is not sent")
		}
	}
	table.server.Close()
	for lines.Scan() {
	}
}

func TestPointOfReport(t *testing.T) {
	p, whole := pointOfReport(remote.Progress{Finished: true, Detail: "loss 0.3121  accuracy 0.861  valid loss 1.2e-05  valid accuracy 0.500  48 images/s"})
	if !whole || p.Loss != 0.3121 || p.Accuracy != 0.861 || *p.ValidLoss != 1.2e-5 || *p.ValidAccuracy != 0.5 {
		t.Errorf("%+v %v", p, whole)
	}
	if p, whole := pointOfReport(remote.Progress{Finished: true, Detail: "loss 0.3  accuracy 1.000  7 images/s"}); !whole || p.ValidLoss != nil {
		t.Errorf("%+v %v", p, whole)
	}
	for _, p := range []remote.Progress{{Detail: "loss 0.3  accuracy 1.000"}, {Finished: true, Stage: "fetching"}} {
		if _, whole := pointOfReport(p); whole {
			t.Errorf("%+v is no epoch", p)
		}
	}
}
