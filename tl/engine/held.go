package engine

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/engine/backend"
	"transferlab/tl/remote"
)

// thing is one of what the engine holds, with the way to free it.
type thing struct {
	tl.Holding
	base string // which network it belongs to
	used *usage
	drop func() // call it with the engine's mu held, and only where nothing uses the thing
}

// kinds in the order in which they are listed.
var kinds = []string{"base", "model", "program", "activations"}

// things lists what the engine holds. Call it with mu held.
func (e *Engine) things() []thing {
	var all []thing
	add := func(kind, name, base, session string, used *usage, memory, disk int64, drop func()) {
		all = append(all, thing{tl.Holding{Kind: kind, Name: name, Bytes: memory, Disk: disk, LastUsed: used.lastUsed(),
			InUse: used.user() != nil, Session: session}, base, used, drop})
	}
	for key, b := range e.bases {
		add("base", b.label, b.label, "", &b.used, b.bytes.Load(), 0, func() { delete(e.bases, key) })
	}
	for key, t := range e.models {
		add("model", t.description.Name, t.base.label, t.session, &t.used, t.bytes.Load(), e.state.bytes(key), func() { e.forget(key, t) })
	}
	for key, p := range e.programs {
		add("program", p.name, p.base, "", &p.used, p.bytes.Load(), 0, func() {
			delete(e.programs, key)
			p.close()
		})
	}
	for key, c := range e.caches {
		memory, disk := c.sizes()
		add("activations", c.name, c.base, "", &c.used, memory, disk, func() {
			delete(e.caches, key)
			_ = c.close() // fails only for a mapping that does not exist
		})
	}
	slices.SortFunc(all, func(a, b thing) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Session, b.Session), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// forget lets go of a model and of its checkpoint. Call it with mu held.
func (e *Engine) forget(key string, t *trained) {
	delete(e.models, key)
	t.forgotten = true
	e.state.forget(key)
	for _, p := range e.programs {
		if p.used.user() != nil {
			continue // it lets go when it is next used for another model
		}
		for path, v := range p.held {
			if t.base.values[path] != v {
				delete(p.held, path)
			}
		}
	}
}

func (e *Engine) held(context.Context, tl.HeldRequest, func(remote.Progress)) (tl.Held, error) {
	h := tl.Held{Resident: resident(), Compilations: int(e.compiled.Load())}
	var err error
	if h.Activations, h.ActivationsLimit, err = Activations(); err != nil {
		return h, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.backend != nil {
		h.Backend = e.backend.Description()
	}
	for _, t := range e.things() {
		h.Items = append(h.Items, t.Holding)
	}
	return h, nil
}

func (e *Engine) free(ctx context.Context, r tl.FreeRequest, report func(remote.Progress)) (tl.Held, error) {
	if err := e.drop(r.Names, remote.SessionOf(ctx)); err != nil {
		return tl.Held{}, err
	}
	debug.FreeOSMemory()
	return e.held(ctx, tl.HeldRequest{}, report)
}

// drop frees what is named, all of it or nothing; without names, what only this session used and nothing uses now.
func (e *Engine) drop(names []string, session string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.things()
	chosen := idle(all, session)
	if len(names) > 0 {
		var err error
		if chosen, err = pick(all, session, names); err != nil {
			return err
		}
	}
	for _, t := range chosen {
		if c := t.used.user(); c != nil {
			return fmt.Errorf("%q is in use by %s: stop that first; nothing was freed", t.Name, c.name())
		}
		if models := standingOn(t, all, chosen); len(names) > 0 && len(models) > 0 {
			return fmt.Errorf("the weights of %q are what the model %s stands on: free that with it; nothing was freed", t.Name, strings.Join(models, ", "))
		}
	}
	for _, t := range chosen {
		if len(standingOn(t, all, chosen)) == 0 {
			t.drop()
		}
	}
	return nil
}

// idle are the things that only this session used, models or not, and that nothing uses now.
func idle(all []thing, session string) []thing {
	var found []thing
	for _, t := range all {
		if !t.InUse && (t.Kind == "model" && t.Session == session || t.Kind != "model" && t.used.onlyBy(session)) {
			found = append(found, t)
		}
	}
	return found
}

// standingOn names the models that a base carries and that are not chosen, too.
func standingOn(t thing, all, chosen []thing) (names []string) {
	if t.Kind != "base" {
		return nil
	}
	for _, m := range all {
		if m.Kind == "model" && m.base == t.base && !slices.ContainsFunc(chosen, func(c thing) bool { return c.used == m.used }) {
			names = append(names, strconv.Quote(m.Name))
		}
	}
	return names
}

// pick finds what has one of these names, or is of a kind so called. With a base go its graphs and activations.
func pick(all []thing, session string, names []string) ([]thing, error) {
	var found []thing
	for _, name := range names {
		hits := 0
		for _, t := range all {
			mine := t.Kind != "model" || t.Session == session
			if mine && (t.Name == name || t.Kind == name || t.Kind+"s" == name || t.Kind != "model" && t.base == name) {
				hits++
				if !slices.ContainsFunc(found, func(f thing) bool { return f.used == t.used }) {
					found = append(found, t)
				}
			}
		}
		if hits == 0 {
			return nil, unknown(name, all, session)
		}
	}
	return found, nil
}

func unknown(name string, all []thing, session string) error {
	have := []string{}
	for _, t := range all {
		if t.Kind != "model" || t.Session == session {
			have = append(have, t.Name)
		}
	}
	hint := ""
	if near := datasets.Nearest(name, slices.Concat(have, kinds)); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	if len(have) == 0 {
		return fmt.Errorf("nothing is called %q: the engine holds nothing", name)
	}
	return fmt.Errorf("nothing is called %q (have %s%s)", name, strings.Join(slices.Compact(have), ", "), hint)
}

// resident is the memory that this process occupies; where the system does not say so as Linux does, what Go took from it.
func resident() int64 {
	if all, _, err := backend.Resident(); err == nil {
		return all
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
