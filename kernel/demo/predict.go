package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
)

// Answer is what the model says of one picture.
type Answer struct {
	Classes []ClassAnswer `json:"classes"` // the likeliest first
	Heat    *Heat         `json:"heat"`    // nil where there is none
	Seconds float64       `json:"seconds"` // that the network took
}

// ClassAnswer is the probability of one class.
type ClassAnswer struct {
	ID          int     `json:"id"`
	Name        string  `json:"name"` // as it is called now; "" where it was removed since
	Probability float64 `json:"probability"`
}

// Heat is a map of the places that speak for the likeliest class, over the whole picture, row by row from the upper left, the most telling place 1.
type Heat struct {
	Rows    int       `json:"rows"`
	Columns int       `json:"columns"`
	Values  []float32 `json:"values"`
}

// warm loads the network and compiles what will be asked of it: for one picture, for many, for a heat map and for training a head.
func (s *Server) warm() error {
	call := func(verb string, in, out any) error { return s.cfg.Engine.Call(s.ctx, verb, in, out, nil) }
	few, many := datasets.Synthetic(1, 1), datasets.Synthetic(12, 2)
	for _, d := range []datasets.Dataset{few, many} {
		if err := call(tl.VerbRepresent, tl.RepresentRequest{Base: s.cfg.Base, Data: d}, new(tl.Representation)); err != nil {
			return err
		}
	}
	model := s.cfg.Base.WithHead("demo warm-up", tl.Dense(3))
	fit := tl.FitRequest{Model: model, Train: many, Phase: tl.Phase{Name: "head", Epochs: 1, LearningRate: headPhase.LearningRate}}
	if err := call(tl.VerbFit, fit, new(tl.History)); err != nil {
		return err
	}
	if err := call(tl.VerbAttribute, tl.AttributeRequest{Model: model, Data: few}, new(tl.Attributions)); err != nil {
		return err
	}
	return call(tl.VerbReset, tl.ModelRequest{Model: model}, new(bool))
}

// represent lets the network see the pictures that are new. A picture that is removed meanwhile makes it fail; it is called again then.
func (s *Server) represent() error {
	s.mu.Lock()
	folder, unseen := s.board.folder, s.board.unseen()
	s.mu.Unlock()
	if len(unseen) == 0 {
		return nil
	}
	request := tl.RepresentRequest{Base: s.cfg.Base, Data: datasets.Folder(folder)}
	if err := s.cfg.Engine.Call(s.ctx, tl.VerbRepresent, request, new(tl.Representation), nil); err != nil {
		return err
	}
	s.change(func(*board) {
		for _, p := range unseen {
			p.seen = true
		}
	})
	return nil
}

// predict asks the model about one picture, which is not kept.
func (s *Server) predict(ctx context.Context, data []byte) (*Answer, error) {
	s.mu.Lock()
	model, run, training := s.board.model, s.board.training.Run, s.board.stop != nil
	s.mu.Unlock()
	switch {
	case model == nil:
		return nil, refuse(http.StatusConflict, "There is no model yet: train first.")
	case training: // the engine has forgotten the old model, and asking the new one waits for its end
		return nil, refuse(http.StatusTooManyRequests, "The model is being trained.")
	}
	_, extension, err := s.decode(data)
	if err != nil {
		return nil, err
	}
	select {
	case s.answering <- struct{}{}:
		defer func() { <-s.answering }()
	default:
		return nil, refuse(http.StatusTooManyRequests, "One picture at a time.")
	}
	dir, err := os.MkdirTemp(s.cfg.Dir, "asked-")
	if err != nil {
		return nil, fmt.Errorf("demo: save a picture: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := writeFile(dir, "picture"+extension, data); err != nil {
		return nil, err
	}
	began := time.Now()
	request := tl.AttributeRequest{Model: model.model, Data: datasets.Image(filepath.Join(dir, "picture"+extension))}
	var out tl.Attributions
	err = s.cfg.Engine.Call(ctx, tl.VerbAttribute, request, &out, nil)
	took := time.Since(began).Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.board
	if b.model != model || b.training.Run != run {
		return nil, refuse(http.StatusTooManyRequests, "There is another model by now.")
	}
	if err != nil {
		return nil, err
	}
	if b.answered == 0 && !b.first.IsZero() {
		b.answered = time.Since(b.first)
		s.tell()
	}
	return &Answer{Classes: b.answers(model, out.Answer), Heat: heatOf(out.Maps), Seconds: took}, nil
}

// answers are a model's probabilities by the classes' names as they are now.
func (b *board) answers(m *trained, p tl.Predictions) (all []ClassAnswer) {
	for i, name := range p.Classes {
		a := ClassAnswer{ID: m.classes[name], Probability: float64(p.Probabilities.Row(0)[i])}
		if c, err := b.class(a.ID); err == nil {
			a.Name = c.name
		}
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(x, y ClassAnswer) int {
		if x.Probability > y.Probability {
			return -1
		}
		return 1
	})
	return all
}

// heatOf is the first of the maps [n, h, w], scaled to at most 1; nil where nothing speaks for the class.
func heatOf(maps tl.Tensor) *Heat {
	if len(maps.Shape) != 3 || maps.Len() == 0 {
		return nil
	}
	h := &Heat{Rows: maps.Shape[1], Columns: maps.Shape[2], Values: slices.Clone(maps.Row(0))}
	top := slices.Max(h.Values)
	if !(top > 0) {
		return nil
	}
	for i, v := range h.Values {
		h.Values[i] = max(0, v/top)
	}
	return h
}
