// Package demo is the classroom demo: a web page on this machine on which pictures of two or more classes are collected, from files or from the
// camera, a head is trained on them while everybody watches, and what is held up is classified, with a heat map.
//
// A [Server] is an http.Handler. It holds the pictures in a folder, and hands everything that takes a network to an Engine, which runs in another
// process: a fault in it does not take the page away. It answers this machine's browser alone; see guard.go for how it tells.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"transferlab/tl"
)

// Config says what a Server works with.
type Config struct {
	Engine tl.Engine // carries out the verbs; it may end and come back, see Server.EngineIs
	Base   tl.Base   // the zero Base is EfficientNet-Lite0
	Dir    string    // an empty folder for pictures, which the caller removes
	Keep   string    // a folder that keeps pictures and models, in a new round-N for each start and reset; "" keeps nothing
	Token  string    // what a request must know; "" makes one, see Server.Token
	// FineTune is the time that fine-tuning may take, where the page asks for it; 0 is 30 s.
	FineTune time.Duration
	Port     int // where the caller listens: part of the Host that a request must name
}

// Bounds on what the page takes. A class of thirty with a picture each second for ten minutes stays below them.
const (
	MostClasses  = 12
	MostPictures = 1000
	MostBytes    = 12 << 20 // of one picture's file
	MostPixels   = 24e6     // of one picture: a file of a few kilobytes may claim gigabytes of them
	MostSide     = 20_000   // of one picture, in pixels: what the engine refuses would keep it from all other pictures, too
	MostName     = 40       // characters of a class's name
)

// Server is one demo: classes, pictures, a model. It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	decoding  chan struct{} // a picture that is being decoded takes up to MostPixels×20 bytes (a progressive JPEG of four channels)
	answering chan struct{} // one prediction at a time
	arrived   chan struct{} // wakes the worker that represents pictures

	mu      sync.Mutex
	changed chan struct{} // closed at each change, and made anew
	board   board
}

// New starts a demo: from now on the engine loads the network, so that it is warm when the first picture comes. Close ends it.
func New(cfg Config) (*Server, error) {
	if cfg.Engine == nil || cfg.Dir == "" {
		return nil, errors.New("demo: start: an engine and a folder are needed")
	}
	if cfg.Base.Name == "" {
		cfg.Base = tl.Load("efficientnet_lite0")
	}
	if cfg.FineTune == 0 {
		cfg.FineTune = 30 * time.Second
	}
	if cfg.Token == "" {
		cfg.Token = rand.Text()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{cfg: cfg, ctx: ctx, cancel: cancel, changed: make(chan struct{}),
		decoding: make(chan struct{}, 2), answering: make(chan struct{}, 1), arrived: make(chan struct{}, 1)}
	if err := s.board.begin(cfg); err != nil {
		cancel()
		return nil, err
	}
	s.routes()
	s.work.Go(s.prepare)
	return s, nil
}

// Close stops what runs and waits for it. The folders stay, but for that of a kept round without pictures.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	if s.board.stop != nil {
		s.board.stop()
	}
	s.mu.Unlock()
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.board.dropEmpty()
}

// Token is what a request must know.
func (s *Server) Token() string { return s.cfg.Token }

// Address is what the user opens. The token stands behind #, which browsers send to nobody.
func (s *Server) Address() string {
	return fmt.Sprintf("http://127.0.0.1:%d/#%s", s.cfg.Port, s.cfg.Token)
}

// EngineIs tells the page how the engine is, and why, in words: "starting", after which it is warmed up again and the pictures are represented
// again, or "down", where it does not come back.
func (s *Server) EngineIs(state, why string) {
	s.change(func(b *board) {
		b.turn++
		b.engine = EngineState{State: state, Text: why}
		for _, p := range b.pictures {
			p.seen = false
		}
	})
	s.wake()
}

// change runs f on the board and tells everybody who watches.
func (s *Server) change(f func(b *board)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.board)
	s.tell()
}

// tell wakes everybody who watches. s.mu is held.
func (s *Server) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// try is change for what may be refused.
func (s *Server) try(f func(b *board) error) (err error) {
	s.change(func(b *board) { err = f(b) })
	return err
}

// look is the state and a channel that is closed when it is no longer that.
func (s *Server) look() (State, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.board.state(), s.changed
}

// wake has the worker look for pictures that the network has not seen.
func (s *Server) wake() {
	select {
	case s.arrived <- struct{}{}:
	default: // it will look anyway
	}
}

// prepare loads and compiles before anybody asks, then represents each picture as it comes, so that training finds it done.
func (s *Server) prepare() {
	failed := 0 // times that the pictures could not be represented, one after the other
	for s.ctx.Err() == nil {
		s.mu.Lock()
		state, turn := s.board.engine.State, s.board.turn
		s.mu.Unlock()
		err := error(nil)
		switch state {
		case "starting":
			failed = 0
			if err = s.warm(); err == nil {
				s.change(func(b *board) {
					if b.turn != turn {
						return // it ended meanwhile
					}
					b.engine.State = "ready"
					if strings.HasPrefix(b.engine.Text, notReady) {
						b.engine.Text = ""
					}
				})
				continue
			}
			s.explain(turn, notReady, err)
		case "ready":
			failed++
			if err = s.represent(); err == nil {
				failed = 0
			}
			if failed != 1 { // once is a picture that was removed meanwhile, or an engine that has just ended
				s.explain(turn, notSeen, err)
			}
		}
		var again <-chan time.Time
		if err != nil {
			again = time.After(time.Second)
		}
		select {
		case <-s.ctx.Done():
		case <-s.arrived:
		case <-again:
		}
	}
}

const (
	notReady = "The network is not ready: "
	notSeen  = "The network cannot look at the pictures: "
)

// explain says why the network is not there yet (weights that cannot be fetched, a name that is none), or why it has not seen the pictures. It is tried
// again, since a network cable can be plugged in; without an error, what was said so is taken back.
func (s *Server) explain(turn int, what string, err error) {
	why := ""
	if err != nil {
		why = what + words(err)
	}
	s.mu.Lock()
	text := s.board.engine.Text
	known := s.board.turn != turn || text == why || err == nil && !strings.HasPrefix(text, what) || s.ctx.Err() != nil
	s.mu.Unlock()
	if !known {
		s.change(func(b *board) { b.engine.Text = why })
	}
}

// round makes the next folder round-N in dir.
func round(dir string) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("round-%d", n))
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = os.Mkdir(path, 0o755)
		}
		if err == nil || !errors.Is(err, os.ErrExist) {
			return path, err
		}
	}
}
