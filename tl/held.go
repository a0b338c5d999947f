package tl

import (
	"context"
	"fmt"
	"strings"
	"time"

	"transferlab/tl/count"
)

// Held is what the engine holds between verbs.
type Held struct {
	Items        []Holding
	Resident     int64  // bytes of memory that the engine's process occupies
	Backend      string // what computes; "" before the first verb that computes
	Compilations int    // graphs that were compiled since the engine started

	// Activations is what the activations of all processes and programs take on disk, and ActivationsLimit what they may take: where more is needed,
	// those that were used longest ago are removed. The environment variable TLAB_ACTIVATIONS sets the limit ("10GB").
	Activations, ActivationsLimit int64
}

// Holding is one thing that the engine holds.
type Holding struct {
	Kind     string // "base", "model", "program" (a compiled graph) or "activations"
	Name     string // what Free frees it by
	Bytes    int64  // in memory, shared weights counted once, where they came from; the code of a compiled graph is not known
	Disk     int64  // on disk
	LastUsed time.Time
	InUse    bool   // by a verb that runs
	Session  string // whose model it is; "" for what is shared, and for the default session
}

// Holdings lists what the engine holds.
func Holdings(ctx context.Context) (Held, error) {
	return call[Held](ctx, VerbHeld, "engine", HeldRequest{})
}

// Free frees what has one of these names, of these kinds ("models", "programs" …), or, without names, everything that nobody but this
// session used, and returns what is left. A model that is freed starts over; anything else only takes time when it is used again. Nothing is
// freed where a name is unknown or what it names is in use.
func Free(ctx context.Context, names ...string) (Held, error) {
	noun := "engine"
	if len(names) > 0 {
		noun = strings.Join(names, ", ")
	}
	return call[Held](ctx, VerbFree, noun, FreeRequest{Names: names})
}

// Stopped tells what was stopped in this session since it was last asked, because the client went away or the engine ended, and how each
// model stands: `fit "cells": stopped in epoch 4; model as of epoch 3`. It waits up to five seconds for calls whose client is gone.
func Stopped(ctx context.Context) ([]string, error) {
	return call[[]string](ctx, VerbStopped, "engine", StoppedRequest{})
}

// Bytes is the memory of all items.
func (h Held) Bytes() int64 {
	return h.sum(func(i Holding) int64 { return i.Bytes })
}

// Disk is the disk space of all items.
func (h Held) Disk() int64 {
	return h.sum(func(i Holding) int64 { return i.Disk })
}

func (h Held) sum(of func(Holding) int64) (sum int64) {
	for _, item := range h.Items {
		sum += of(item)
	}
	return sum
}

// String draws the items as a table, with totals.
func (h Held) String() string {
	var out strings.Builder
	rows := [][]string{{"kind", "name", "memory", "disk", "last used", "session"}}
	sessions := map[string]bool{}
	for _, item := range h.Items {
		used := ago(time.Since(item.LastUsed))
		if item.InUse {
			used = "in use"
		}
		if item.Kind == "model" {
			sessions[item.Session] = true
		}
		rows = append(rows, []string{item.Kind, item.Name, bytesText(item.Bytes), bytesText(item.Disk), used, item.Session})
	}
	if len(sessions) < 2 { // one notebook need not be told apart
		for i := range rows {
			rows[i][5] = ""
		}
	}
	if len(h.Items) == 0 {
		out.WriteString("the engine holds nothing\n")
	} else {
		out.WriteString(table("llrrll", append(rows, []string{"total", "", bytesText(h.Bytes()), bytesText(h.Disk()), "", ""})...))
	}
	backend := h.Backend
	if backend == "" {
		backend = "no backend yet"
	}
	fmt.Fprintf(&out, "the engine's process occupies %s; %s; %s compiled so far\n", bytesText(h.Resident), backend, plural(h.Compilations, "graph"))
	if h.ActivationsLimit > 0 {
		fmt.Fprintf(&out, "activations on disk, of all programs: %s of at most %s (TLAB_ACTIVATIONS)\n", count.BytesText(h.Activations), count.BytesText(h.ActivationsLimit))
	}
	return out.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return WithCommas(int64(n)) + " " + what + "s"
}

// bytesText is count.BytesText, with a dash for nothing.
func bytesText(n int64) string {
	if n == 0 {
		return "–"
	}
	return count.BytesText(n)
}

// ago says how long ago something was, in one unit.
func ago(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
