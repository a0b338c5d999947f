package tl

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"transferlab/datasets"
	"transferlab/tl/remote"
)

func TestProgressText(t *testing.T) {
	for want, p := range map[string]remote.Progress{
		"decode": {Stage: "decode"},
		"epoch 3/5 12/53  loss 0.3121  accuracy 0.861  48 images/s  4s left": {Stage: "epoch 3/5", Done: 12, Total: 53,
			Detail: "loss 0.3121  accuracy 0.861  48 images/s", Left: 4200 * time.Millisecond},
	} {
		if got := progressText(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// screen is what a terminal or a notebook shows after text: a carriage return goes back to the start of the line and is written over.
func screen(text string) (lines []string) {
	for _, written := range strings.Split(text, "\n") {
		var line []rune
		at := 0
		for _, r := range written {
			if r == '\r' {
				at = 0
				continue
			}
			if at == len(line) {
				line = append(line, ' ')
			}
			line[at] = r
			at++
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return lines
}

func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	line := &progressLine{out: &out}
	show := func(p remote.Progress) {
		line.last = time.Time{} // as if a second had passed
		line.show(p)
	}
	show(remote.Progress{Stage: "images – decoding", Done: 1, Total: 1000})
	show(remote.Progress{Stage: "short"})
	if got := screen(out.String()); !slices.Equal(got, []string{"short"}) {
		t.Errorf("a shorter line leaves the longer one behind: %q", got)
	}
	show(remote.Progress{Stage: "epoch 1/2", Detail: "accuracy 0.8", Finished: true})
	show(remote.Progress{Stage: "epoch 2/2, half"})
	line.end()
	if got := screen(out.String()); !slices.Equal(got, []string{"epoch 1/2  accuracy 0.8", ""}) {
		t.Errorf("%q; finished lines stay and the last goes", got)
	}
	before := out.Len()
	line.end()
	if out.Len() != before {
		t.Error("ending twice writes twice")
	}
}

// TestProgressRate: ten lines a second are enough; a finished piece is never dropped.
func TestProgressRate(t *testing.T) {
	var out bytes.Buffer
	line := &progressLine{out: &out}
	line.show(remote.Progress{Stage: "first"})
	for range 100 {
		line.show(remote.Progress{Stage: "dropped"})
	}
	line.show(remote.Progress{Stage: "done", Finished: true})
	if text := out.String(); strings.Count(text, "dropped") > 20 || !slices.Equal(screen(text), []string{"done", ""}) {
		t.Errorf("%q", text)
	}
}

// fake is an engine that reports, answers and fails as it is told.
type fake struct {
	reports []remote.Progress
	answer  any
	err     error
	verb    string
	in      any
}

func (f *fake) Call(_ context.Context, verb string, in, out any, report func(remote.Progress)) error {
	f.verb, f.in = verb, in
	for _, p := range f.reports {
		report(p)
	}
	if history, isHistory := out.(*History); isHistory && f.answer != nil {
		*history = f.answer.(History)
	}
	return f.err
}

// register makes e the engine for one test.
func register(t *testing.T, e Engine) {
	Register(e)
	t.Cleanup(func() { Register(nil) })
}

func TestReporter(t *testing.T) {
	engine := &fake{reports: []remote.Progress{{Stage: "a"}, {Stage: "b", Finished: true}}}
	register(t, engine)
	var seen []string
	ctx := WithReport(context.Background(), func(p remote.Progress) { seen = append(seen, p.Stage) })
	if _, err := Load("x").Summary(ctx); err != nil || !slices.Equal(seen, []string{"a", "b"}) {
		t.Errorf("%v, %v", seen, err)
	}
	if _, err := Load("x").Summary(WithReport(ctx, nil)); err != nil || len(seen) != 2 {
		t.Errorf("a nil function is not silent: %v, %v", seen, err)
	}
}

// TestCall: the engine that is registered wins over the socket; an error names the verb and the noun and stays what it is; a call that was
// stopped gives what it had.
func TestCall(t *testing.T) {
	t.Setenv(EngineVariable, "")
	ctx := WithReport(context.Background(), nil)
	model := Load("efficientnet_lite0").WithHead("cells", Dense(2))
	if _, err := model.Summary(ctx); !errors.Is(err, errNoEngine) || !strings.HasPrefix(err.Error(), `tl: summary "cells": no engine`) {
		t.Errorf("without an engine: %v", err)
	}
	t.Setenv(EngineVariable, "/nowhere/engine.sock")
	if _, err := model.Summary(ctx); err == nil || !strings.Contains(err.Error(), "reach the engine") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with a socket that is not there: %v", err)
	}
	engine := &fake{answer: History{Kept: 2}, err: context.Canceled}
	register(t, engine)
	history, err := model.Fit(ctx, datasets.Shapes(8, 1), datasets.Shapes(8, 2), Phase{Name: "head", Epochs: 3})
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), `tl: fit "cells": `) || history.Kept != 2 {
		t.Errorf("%+v, %v", history, err)
	}
	if request, isFit := engine.in.(FitRequest); engine.verb != VerbFit || !isFit || request.Phase.Epochs != 3 || request.Model.Name != "cells" {
		t.Errorf("%s %+v", engine.verb, engine.in)
	}
}

func TestMust(t *testing.T) {
	if Must(3, nil) != 3 {
		t.Error("Must changed a value")
	}
	defer func() {
		if err, isError := recover().(error); !isError || err.Error() != "told" {
			t.Errorf("panicked with %v", err)
		}
	}()
	Must(3, errors.New("told"))
}
