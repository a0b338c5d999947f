package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// headPhase trains a new head on the frozen base. With a few dozen pictures an epoch is one or two steps of the optimizer, so there are many of them,
// and they take a second or two: the base has seen each picture by then.
var headPhase = tl.Phase{Name: "head", Epochs: 60, LearningRate: 3e-3}

// tunePhase goes on with the last blocks of the base unfrozen: the lecture's third step, with its differential rates. It takes as many epochs as fit
// into Config.FineTune.
var tunePhase = tl.Phase{Name: "fine-tune", Epochs: 40, LearningRate: 1e-3, RateDecay: 1.0 / 3, Schedule: "one-cycle", WeightDecay: 0.01, LabelSmoothing: 0.05}

const tunedBlocks = 4

// reset clears the table and ends a training. The folder of a kept round stays.
func (s *Server) reset() error {
	for s.ctx.Err() == nil {
		s.stopAndWait()
		cleared := false
		err := s.try(func(b *board) (err error) {
			if b.stop == nil { // else another page has started a training since
				cleared, err = true, b.begin(s.cfg)
			}
			return err
		})
		if cleared {
			return err
		}
	}
	return refuse(http.StatusServiceUnavailable, "The demo is ending.")
}

// stopAndWait ends the training that runs, if one does.
func (s *Server) stopAndWait() {
	_ = s.stopTraining() // fails only where none runs
	for {
		state, changed := s.look()
		if state.Training.State != "running" {
			return
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Server) stopTraining() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.board.stop == nil {
		return refuse(http.StatusConflict, "No training runs.")
	}
	s.board.stop()
	return nil
}

// lesson is one training: the pictures as they were when it began.
type lesson struct {
	model        tl.Model
	version      int // of the board
	dir          string
	held         map[string]bool // see board.copyTo
	classes      map[string]int
	train, valid datasets.Dataset
	tuned        bool       // whether the last blocks are fine-tuned behind the head
	epochs       []tl.Epoch // so far, of both phases
	kept         int        // the epoch, from 1, whose weights stand
}

// train starts a training of all classes that have pictures, of the head alone or with the last blocks behind it. Progress is seen in State.Training.
func (s *Server) train(tuned bool) error {
	return s.try(func(b *board) error {
		switch {
		case b.training.State == "running":
			return refuse(http.StatusConflict, "A training runs already.")
		case b.engine.State == "down":
			return refuse(http.StatusServiceUnavailable, "The engine is down: %s", b.engine.Text)
		case s.ctx.Err() != nil:
			return refuse(http.StatusServiceUnavailable, "The demo is ending.")
		}
		run := b.training.Run + 1
		l := &lesson{version: b.version, tuned: tuned, dir: filepath.Join(s.cfg.Dir, fmt.Sprintf("training-%d", run))}
		var err error
		if l.held, l.classes, err = b.copyTo(l.dir); err != nil {
			_ = os.RemoveAll(l.dir)
			return err
		}
		l.model = s.cfg.Base.WithHead("demo", tl.Dense(len(l.classes)))
		ctx, cancel := context.WithCancel(s.ctx)
		b.stop = cancel
		b.training = Training{Run: run, State: "running", Text: "getting ready", Epochs: headPhase.Epochs, Curve: []Point{},
			Held: len(l.held), Rows: len(b.pictures) - len(l.held)}
		began, before := time.Now(), b.model
		s.work.Go(func() {
			defer cancel()
			err := s.fit(ctx, l)
			_ = os.RemoveAll(l.dir) // what stays goes with the folder around it
			s.ended(l, err, ctx.Err() != nil, time.Since(began), before)
		})
		return nil
	})
}

// fit trains the head, and then the last blocks with it. What an earlier training left is forgotten: the same pictures give the same model.
func (s *Server) fit(ctx context.Context, l *lesson) (err error) {
	if l.train, l.valid, err = parts(ctx, datasets.Folder(l.dir), l.held); err != nil {
		return err
	}
	if err := s.cfg.Engine.Call(ctx, tl.VerbReset, tl.ModelRequest{Model: l.model}, new(bool), nil); err != nil {
		return err
	}
	if err := s.phase(ctx, l, headPhase); err != nil || !l.tuned {
		return err
	}
	if err := s.cfg.Engine.Call(ctx, tl.VerbUnfreezeTop, tl.UnfreezeTopRequest{Model: l.model, N: tunedBlocks}, new(tl.Summary), nil); err != nil {
		return err
	}
	phase := tunePhase
	phase.Within = s.cfg.FineTune
	return s.phase(ctx, l, phase)
}

// phase runs one phase, and notes what it came to, also where it was stopped.
func (s *Server) phase(ctx context.Context, l *lesson, phase tl.Phase) error {
	before := len(l.epochs)
	s.change(func(b *board) {
		b.training.Phases = append(b.training.Phases, PhaseState{Name: phase.Name, After: before})
	})
	var history tl.History
	request := tl.FitRequest{Model: l.model, Train: l.train, Valid: l.valid, Phase: phase}
	err := s.cfg.Engine.Call(ctx, tl.VerbFit, request, &history, func(p remote.Progress) { s.follow(p, before) })
	l.epochs = append(l.epochs, history.Epochs...)
	if history.Kept > 0 {
		l.kept = before + history.Kept
	}
	return err
}

// parts divides the rows of a folder.
func parts(ctx context.Context, folder datasets.Dataset, held map[string]bool) (train, valid datasets.Dataset, err error) {
	items, err := folder.Items(ctx)
	if err != nil {
		return train, valid, err
	}
	var learn, judge []int
	for i, item := range items {
		if held[item.ID] {
			judge = append(judge, i)
		} else {
			learn = append(learn, i)
		}
	}
	if train = folder.Rows(learn...); len(judge) > 0 {
		valid = folder.Rows(judge...)
	}
	return train, valid, nil
}

// follow puts what the engine reports on the board. before are the epochs of earlier phases.
func (s *Server) follow(p remote.Progress, before int) {
	s.change(func(b *board) {
		point, whole := pointOfReport(p)
		if whole {
			b.training.Curve = append(b.training.Curve, point)
		} else {
			b.training.Left = p.Left.Seconds()
		}
		if m := planned.FindStringSubmatch(p.Stage); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			b.training.Epochs = before + n
		}
		b.training.Text = p.Stage
	})
}

var planned = regexp.MustCompile(`epoch \d+/(\d+)`)

var figure = regexp.MustCompile(`(valid )?(loss|accuracy) ([-+.\deE]+)`)

// pointOfReport reads an epoch out of the engine's line about it, which is for people: "loss 0.3121  accuracy 0.861  valid loss 0.4 …". The exact figures
// take its place when the training has ended.
func pointOfReport(p remote.Progress) (point Point, whole bool) {
	if !p.Finished {
		return point, false
	}
	fields := map[string]*float64{"loss": &point.Loss, "accuracy": &point.Accuracy}
	for _, m := range figure.FindAllStringSubmatch(p.Detail, -1) {
		value, err := strconv.ParseFloat(m[3], 64)
		switch {
		case err != nil:
			return point, false
		case m[1] == "":
			*fields[m[2]], whole = value, true
		case m[2] == "loss":
			point.ValidLoss = &value
		default:
			point.ValidAccuracy = &value
		}
	}
	return point, whole
}

// ended notes how a training ended. Where it was stopped after some epochs there is a model all the same; where it failed before, the old one
// is gone too, since it has the same name, unless its number of classes was another.
func (s *Server) ended(l *lesson, err error, stopped bool, took time.Duration, before *trained) {
	var saved string
	var saving error
	if l.kept > 0 && s.ctx.Err() == nil {
		saved, saving = s.save(l)
	}
	s.change(func(b *board) {
		b.stop = nil
		t := &b.training
		t.Seconds, t.Left, t.Kept, t.Text = took.Seconds(), 0, l.kept, ""
		if len(l.epochs) > 0 {
			t.Curve = nil
			for _, e := range l.epochs {
				t.Curve = append(t.Curve, pointOf(e))
			}
		}
		switch {
		case stopped:
			t.State = "stopped"
		case err != nil:
			t.State, t.Text = "failed", words(err)
		default:
			t.State = "done"
			if saving != nil {
				t.Text = "The model could not be saved: " + words(saving)
			}
		}
		if l.kept == 0 {
			if before != nil && len(before.classes) == len(l.classes) {
				b.model = nil
			}
			return
		}
		b.model = &trained{model: l.model, classes: l.classes, version: l.version, saved: saved, order: slices.Sorted(maps.Values(l.classes))}
	})
}

// save keeps the model beside the round's pictures, where the user wants that.
func (s *Server) save(l *lesson) (string, error) {
	s.mu.Lock()
	keep, run := s.board.keep, s.board.training.Run
	s.mu.Unlock()
	if keep == "" {
		return "", nil
	}
	dir, err := filepath.Abs(filepath.Join(keep, fmt.Sprintf("model-%d", run)))
	if err == nil {
		err = s.cfg.Engine.Call(s.ctx, tl.VerbSave, tl.SaveRequest{Model: l.model, Dir: dir}, new(tl.Saved), nil)
	}
	if err != nil {
		return "", err
	}
	return dir, nil
}

// words is an error for people in front of the page.
func words(err error) string {
	if errors.Is(err, context.Canceled) {
		return "It was stopped."
	}
	return err.Error()
}
