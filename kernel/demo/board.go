package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"transferlab/tl"
)

// board is what stands on the table. Server.mu guards it.
type board struct {
	cfg      Config
	folder   string // holds a folder for each class that has pictures: what datasets.Folder takes
	keep     string // the folder of this round that stays, "" without one
	round    int
	lastID   int
	classes  []*class
	pictures map[int]*picture
	engine   EngineState
	training Training
	model    *trained
	stop     context.CancelFunc // ends the training that runs
	version  int                // counts what happens to classes and pictures
	turn     int                // counts what happens to the engine
	first    time.Time          // when the round's first picture came
	answered time.Duration      // from then to the first prediction
}

type class struct {
	id       int
	name     string
	pictures []*picture // oldest first
}

type picture struct {
	id    int
	class *class
	file  string // its name in the class's folder
	thumb []byte // a small JPEG
	seen  bool   // whether the network has represented it
}

// trained is the model that answers.
type trained struct {
	model   tl.Model
	classes map[string]int // id of each of its class names
	order   []int          // the same ids, in the order in which the classes were made
	version int            // of the board that it was trained on
	saved   string         // the folder that holds it
}

// refusal is an error that the user is told, with the HTTP status it has.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Sprintf(format, args...)}
}

// begin clears the table: two empty classes, no model. What a kept round holds stays where it is.
func (b *board) begin(cfg Config) error {
	old := b.folder
	b.dropEmpty()
	fresh := board{cfg: cfg, round: b.round + 1, lastID: b.lastID, engine: b.engine, turn: b.turn, version: b.version, pictures: map[int]*picture{},
		training: Training{Run: b.training.Run}}
	if fresh.engine.State == "" {
		fresh.engine = EngineState{State: "starting"}
	}
	fresh.folder = filepath.Join(cfg.Dir, fmt.Sprintf("pictures-%d", fresh.round))
	if cfg.Keep != "" {
		path, err := round(cfg.Keep)
		if err != nil {
			return fmt.Errorf("demo: keep pictures in %s: %w", cfg.Keep, err)
		}
		fresh.keep, fresh.folder = path, filepath.Join(path, "pictures")
	}
	if err := os.MkdirAll(fresh.folder, 0o700); err != nil {
		return fmt.Errorf("demo: make a folder for pictures: %w", err)
	}
	*b = fresh
	for range 2 {
		if _, err := b.addClass(""); err != nil {
			return err
		}
	}
	if old != "" && cfg.Keep == "" {
		if err := os.RemoveAll(old); err != nil {
			return fmt.Errorf("demo: remove the pictures: %w", err)
		}
	}
	return nil
}

// dropEmpty removes the folders of a kept round that holds nothing: those of somebody who has only looked.
func (b *board) dropEmpty() {
	if b.keep != "" && len(b.pictures) == 0 {
		_ = os.Remove(b.folder) // fails where something is in it
		_ = os.Remove(b.keep)
	}
}

func (b *board) newID() int {
	b.lastID++
	return b.lastID
}

func (b *board) class(id int) (*class, error) {
	for _, c := range b.classes {
		if c.id == id {
			return c, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "This class is not there any more.")
}

// addClass adds a class; without a name it gets the first of "class 1", "class 2" … that is free.
func (b *board) addClass(name string) (*class, error) {
	if len(b.classes) >= MostClasses {
		return nil, refuse(http.StatusConflict, "There are %d classes, as many as the page has room for.", MostClasses)
	}
	for n := len(b.classes) + 1; name == ""; n++ {
		if free := fmt.Sprintf("class %d", n); b.named(free) == nil {
			name = free
		}
	}
	name, err := b.checkName(name, nil)
	if err != nil {
		return nil, err
	}
	c := &class{id: b.newID(), name: name}
	b.classes = append(b.classes, c)
	b.touched()
	return c, nil
}

// named is the class of that name, whatever the case: file systems differ in whether A and a are one folder.
func (b *board) named(name string) *class {
	for _, c := range b.classes {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// checkName makes of what was typed a name that can be shown and that is a folder's: no path, not hidden, of one line. own is the class that
// is renamed.
func (b *board) checkName(name string, own *class) (string, error) {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`/\:*?|`, r):
			return '-'
		case unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r):
			return ' ' // with what turns the direction of writing
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.Join(strings.Fields(name), " "), ". ")
	if letters := []rune(name); len(letters) > MostName {
		name = strings.TrimSpace(string(letters[:MostName]))
	}
	if name == "" {
		return "", refuse(http.StatusBadRequest, "A class needs a name.")
	}
	if other := b.named(name); other != nil && other != own {
		return "", refuse(http.StatusConflict, "There is a class %q already.", other.name)
	}
	return name, nil
}

// rename gives a class another name, and its folder with it.
func (b *board) rename(id int, name string) error {
	c, err := b.class(id)
	if err != nil {
		return err
	}
	if name, err = b.checkName(name, c); err != nil || name == c.name {
		return err
	}
	if len(c.pictures) > 0 {
		if err := os.Rename(filepath.Join(b.folder, c.name), filepath.Join(b.folder, name)); err != nil {
			return fmt.Errorf("demo: rename the class %q: %w", c.name, err)
		}
	}
	c.name = name // the model still knows whom it means: see trained.classes
	return nil
}

// removeClass forgets a class and its pictures.
func (b *board) removeClass(id int) error {
	c, err := b.class(id)
	if err != nil {
		return err
	}
	if err := b.clear(c); err != nil {
		return err
	}
	b.classes = slices.DeleteFunc(b.classes, func(other *class) bool { return other == c })
	b.touched()
	return nil
}

// clear removes a class's pictures.
func (b *board) clear(c *class) error {
	if err := os.RemoveAll(filepath.Join(b.folder, c.name)); err != nil {
		return fmt.Errorf("demo: remove the pictures of %q: %w", c.name, err)
	}
	for _, p := range c.pictures {
		delete(b.pictures, p.id)
	}
	c.pictures = nil
	b.touched()
	return nil
}

// removePicture forgets one picture. A folder without pictures is no class to datasets.Folder, so the last one takes it along.
func (b *board) removePicture(id int) error {
	p := b.pictures[id]
	if p == nil {
		return refuse(http.StatusNotFound, "This picture is not there any more.")
	}
	if len(p.class.pictures) == 1 {
		return b.clear(p.class)
	}
	if err := os.Remove(filepath.Join(b.folder, p.class.name, p.file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("demo: remove a picture: %w", err)
	}
	p.class.pictures = slices.DeleteFunc(p.class.pictures, func(other *picture) bool { return other == p })
	delete(b.pictures, id)
	b.touched()
	return nil
}

// touched notes that classes or pictures are others now.
func (b *board) touched() { b.version++ }

// state is the board for the page.
func (b *board) state() State {
	s := State{Engine: b.engine, Training: b.training, Round: b.round, Kept: b.keep,
		Limits: Limits{Classes: MostClasses, Pictures: MostPictures, Bytes: MostBytes, Name: MostName}}
	s.Training.Curve, s.Training.Phases = slices.Clone(b.training.Curve), slices.Clone(b.training.Phases)
	for _, c := range b.classes {
		shown := ClassState{ID: c.id, Name: c.name, Pictures: []int{}}
		for _, p := range c.pictures {
			shown.Pictures = append(shown.Pictures, p.id)
			if !p.seen {
				s.Unseen++
			}
		}
		s.Classes = append(s.Classes, shown)
	}
	if m := b.model; m != nil {
		s.Model = &ModelState{Classes: m.order, Stale: m.version != b.version, Saved: m.saved, Seconds: b.answered.Seconds()}
	}
	return s
}
