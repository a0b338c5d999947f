package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"transferlab/datasets/fetch"
)

// State says how a part is.
type State int

const (
	Good   State = iota
	Absent       // not there, and not needed before something asks for it
	Bad
)

// Finding is what [Inspect] found of one part.
type Finding struct {
	Name    string
	Version string
	Place   string // the file or folder
	SHA256  string // of the file as published, or of the program as built; "" where there is no single file
	State   State
	Err     error  // why it is Bad
	Remedy  string // what to do about it
	Note    string // what else is worth knowing
}

// Inspect looks thoroughly at every part of both sets and at the data sets: programs are read and compared with the
// checksum of the day they were built, unpacked files with what was published. It makes, fetches and mends nothing.
func (l *Lab) Inspect(ctx context.Context) []Finding {
	needed := len(l.parts(ForRun))
	var found []Finding
	for i, p := range l.parts(ForLab) {
		if ctx.Err() != nil {
			return found
		}
		found = append(found, l.inspect(p, i < needed))
		if i == 0 { // after Go itself, as in Ensure
			found = append(found, l.inspectBackend())
		}
	}
	for _, f := range []fetch.File{fetch.ELPV, fetch.FashionMNIST} {
		finding := l.inspect(l.wheel("data set", f, ""), false)
		if finding.State == Absent {
			finding.Note = "fetched when a notebook first opens it; " + f.Licence
		}
		found = append(found, finding)
	}
	return found
}

// inspect looks at one part. One that no start has made yet is only absent if a plain run does without it.
func (l *Lab) inspect(p part, needed bool) Finding {
	f := Finding{Name: p.name, Version: p.version, Place: p.place, SHA256: p.sum}
	if was, err := fetch.ReadStamp(p.seen); err == nil && f.SHA256 == "" {
		f.SHA256 = was.SHA256
	}
	const again = "`tlab run` or `tlab lab` makes it"
	var missing error
	if p.place != "" { // a backend may be a mere name
		_, missing = os.Lstat(p.place)
	}
	switch {
	case errors.Is(missing, fs.ErrNotExist) && !needed:
		f.State, f.Note = Absent, "`tlab lab` makes it"
	case errors.Is(missing, fs.ErrNotExist) && p.spare:
		f.State, f.Note = Absent, again
	case errors.Is(missing, fs.ErrNotExist):
		f.State, f.Err, f.Remedy = Bad, errors.New("it is not there"), again
	default:
		l.examine(p, &f)
	}
	return f
}

// examine looks into a part that is there.
func (l *Lab) examine(p part, f *Finding) {
	if !p.own {
		if err := p.check(); err != nil && p.spare {
			f.State, f.Note = Absent, "out of date; `tlab run` or `tlab lab` makes it anew"
			return
		} else if err != nil {
			f.State, f.Err, f.Remedy = Bad, err, "`tlab run` or `tlab lab` makes it anew"
			return
		}
	}
	if p.audit == nil {
		return
	}
	if err := p.audit(); err != nil {
		f.State, f.Err = Bad, err
		f.Remedy = fmt.Sprintf("remove %s; `tlab run` or `tlab lab` makes it anew", p.place)
	}
}

func (l *Lab) inspectBackend() Finding {
	f := l.inspect(l.plugin(), true)
	if l.Backend != "" && f.State == Good {
		f.Note = "GOMLX_BACKEND=" + l.Backend
	}
	if strings.HasPrefix(l.BackendFrom, "set by") && f.State == Bad {
		f.Remedy = "name another plugin, or unset GOMLX_BACKEND to let the lab choose"
	}
	return f
}

// GPU says what to do where this machine has an NVIDIA GPU and the lab computes on the CPU; "" otherwise.
func (l *Lab) GPU() string {
	cards, _ := filepath.Glob("/dev/nvidia[0-9]*")
	if len(cards) == 0 || strings.Contains(l.Backend, "cuda") {
		return ""
	}
	return "an NVIDIA GPU is here and not used: its plugin must fit its driver, so that choice is yours.\n" +
		"Install the Python package jax[cuda13] into an environment of its own, then set\n" +
		"GOMLX_BACKEND=xla:ENVIRONMENT/lib/python3.X/site-packages/jax_plugins/xla_cuda13/xla_cuda_plugin.so"
}
