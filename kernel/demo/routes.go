package demo

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
)

//go:embed page
var files embed.FS

// ServeHTTP answers the page's requests.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.guard(s.mux).ServeHTTP(w, r) }

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { page(w, "index.html") })
	s.mux.HandleFunc("GET /page/{name}", func(w http.ResponseWriter, r *http.Request) { page(w, r.PathValue("name")) })
	s.mux.HandleFunc("GET /api/events", s.events)
	s.mux.HandleFunc("GET /api/pictures/{id}", s.sendThumb)
	s.action("DELETE /api/pictures/{id}", func(r *http.Request) (any, error) {
		return nil, s.withID(r, (*board).removePicture)
	})
	s.action("POST /api/classes", func(r *http.Request) (any, error) {
		return nil, s.withName(r, func(b *board, name string) error { _, err := b.addClass(name); return err })
	})
	s.action("PUT /api/classes/{id}", func(r *http.Request) (any, error) {
		return nil, s.withName(r, func(b *board, name string) error { return b.rename(number(r), name) })
	})
	s.action("DELETE /api/classes/{id}", func(r *http.Request) (any, error) {
		return nil, s.withID(r, (*board).removeClass)
	})
	s.action("DELETE /api/classes/{id}/pictures", func(r *http.Request) (any, error) {
		return nil, s.withID(r, func(b *board, id int) error {
			c, err := b.class(id)
			if err != nil {
				return err
			}
			return b.clear(c)
		})
	})
	s.action("POST /api/classes/{id}/pictures", func(r *http.Request) (any, error) {
		data, err := body(r, MostBytes)
		if err != nil {
			return nil, err
		}
		id, err := s.addPicture(number(r), data)
		return map[string]int{"id": id}, err
	})
	s.action("POST /api/train", func(r *http.Request) (any, error) {
		return nil, s.train(r.URL.Query().Get("fine-tune") == "yes")
	})
	s.action("POST /api/stop", func(*http.Request) (any, error) { return nil, s.stopTraining() })
	s.action("POST /api/predict", func(r *http.Request) (any, error) {
		data, err := body(r, MostBytes)
		if err != nil {
			return nil, err
		}
		return s.predict(r.Context(), data)
	})
	s.action("POST /api/reset", func(*http.Request) (any, error) { return nil, s.reset() })
}

// action is a request that changes or asks something and gets JSON.
func (s *Server) action(pattern string, f func(*http.Request) (any, error)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		result, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		reply(w, http.StatusOK, result)
	})
}

func number(r *http.Request) int {
	id, _ := strconv.Atoi(r.PathValue("id")) // what is no number is the id of nothing
	return id
}

func (s *Server) withID(r *http.Request, f func(*board, int) error) error {
	return s.try(func(b *board) error { return f(b, number(r)) })
}

// withName hands on the name in the request, {"name": …}.
func (s *Server) withName(r *http.Request, f func(*board, string) error) error {
	data, err := body(r, 4096)
	if err != nil {
		return err
	}
	var in struct{ Name string }
	if err := json.Unmarshal(data, &in); err != nil {
		return refuse(http.StatusBadRequest, "The request is not understood: %v.", err)
	}
	return s.try(func(b *board) error { return f(b, in.Name) })
}

// body reads a request of at most so many bytes.
func body(r *http.Request, most int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "This file is too large: %d MB are the most. Save it smaller.", most>>20)
	}
	return data, err
}

// page sends a file of the page.
func page(w http.ResponseWriter, name string) {
	data, err := files.ReadFile(path.Join("page", path.Base(name)))
	if err != nil {
		fail(w, refuse(http.StatusNotFound, "There is no such file."))
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(data) // to a browser that is gone
}

func (s *Server) sendThumb(w http.ResponseWriter, r *http.Request) {
	thumb := s.thumb(number(r))
	if thumb == nil {
		fail(w, refuse(http.StatusNotFound, "This picture is not there any more."))
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(thumb)
}

// events sends the state now and at each change, as server-sent events. The page reads them by fetch: an EventSource cannot send the token.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		state, changed := s.look()
		data, err := json.Marshal(state)
		if err != nil {
			return // State has nothing that JSON has no word for
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// fail tells the page what went wrong. Only a refusal is the user's; what else fails is said as it is, by a page that nobody else sees.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var refused refusal
	if errors.As(err, &refused) {
		status = refused.status
	}
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"demo: write the answer"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
