package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // so that image.Decode reads it
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/image/draw"
)

const thumbSide = 128 // pixels of a thumbnail's longer side

// decode checks a picture before it is trusted: its header first, since what a few kilobytes claim to hold may not fit into memory, then all of it.
// Only what datasets.Folder reads is taken; the page itself turns what else a browser can show into JPEG before it sends it.
func (s *Server) decode(data []byte) (img image.Image, extension string, err error) {
	if len(data) == 0 {
		return nil, "", refuse(http.StatusBadRequest, "This file is empty.")
	}
	header, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "jpeg" && format != "png" {
		return nil, "", refuse(http.StatusUnsupportedMediaType, "%s", unreadable(data))
	}
	if header.Width < 8 || header.Height < 8 {
		return nil, "", refuse(http.StatusUnprocessableEntity, "This picture has %d×%d pixels: too few to see anything.", header.Width, header.Height)
	}
	if int64(header.Width)*int64(header.Height) > MostPixels || max(header.Width, header.Height) > MostSide {
		return nil, "", refuse(http.StatusRequestEntityTooLarge, "This picture has %d×%d pixels; %d million in all and %d on a side are the most. Save it smaller.",
			header.Width, header.Height, int(MostPixels/1e6), MostSide)
	}
	select {
	case s.decoding <- struct{}{}:
		defer func() { <-s.decoding }()
	case <-s.ctx.Done():
		return nil, "", s.ctx.Err()
	}
	if img, _, err = image.Decode(bytes.NewReader(data)); err != nil {
		return nil, "", refuse(http.StatusUnprocessableEntity, "This picture is damaged or cut short, and cannot be read.")
	}
	return img, map[string]string{"jpeg": ".jpg", "png": ".png"}[format], nil
}

// foreign are the beginnings of files that people take for pictures that can be read.
var foreign = []struct {
	at    int
	magic string
	kind  string
}{
	{4, "ftypheic", "HEIC"}, {4, "ftypheix", "HEIC"}, {4, "ftypmif1", "HEIC"}, {4, "ftypmsf1", "HEIC"}, {4, "ftypavif", "AVIF"},
	{8, "WEBP", "WebP"}, {0, "GIF8", "GIF"}, {0, "BM", "BMP"}, {0, "II*\x00", "TIFF or raw"}, {0, "MM\x00*", "TIFF or raw"},
	{0, "%PDF", "PDF"}, {0, "<svg", "SVG"}, {4, "ftyp", "film"},
}

// unreadable says kindly what a file is that is neither JPEG nor PNG.
func unreadable(data []byte) string {
	for _, f := range foreign {
		if len(data) >= f.at && bytes.HasPrefix(data[f.at:], []byte(f.magic)) {
			if f.kind == "HEIC" {
				return "This is a HEIC picture, as iPhones make them, which this browser cannot read. Save it as JPEG, or set the phone's camera to “Most Compatible”."
			}
			return "This is a file of the kind " + f.kind + ", which cannot be read here. Save it as JPEG or PNG."
		}
	}
	return "This file is no picture that can be read here. JPEG and PNG can."
}

// thumbnail is a small JPEG of the picture.
func thumbnail(img image.Image) ([]byte, error) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if longer := max(w, h); longer > thumbSide {
		w, h = max(1, w*thumbSide/longer), max(1, h*thumbSide/longer)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("demo: make a thumbnail: %w", err)
	}
	return out.Bytes(), nil
}

// addPicture checks a picture and puts it into a class.
func (s *Server) addPicture(classID int, data []byte) (id int, err error) {
	img, extension, err := s.decode(data)
	if err != nil {
		return 0, err
	}
	thumb, err := thumbnail(img)
	if err != nil {
		return 0, err
	}
	err = s.try(func(b *board) error {
		c, err := b.class(classID)
		if err != nil {
			return err
		}
		if len(b.pictures) >= MostPictures {
			return refuse(http.StatusConflict, "There are %d pictures, as many as the page takes. Remove some first.", MostPictures)
		}
		p := &picture{id: b.newID(), class: c, thumb: thumb}
		p.file = fmt.Sprintf("%06d%s", p.id, extension)
		dir := filepath.Join(b.folder, c.name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("demo: save a picture: %w", err)
		}
		if err := writeFile(dir, p.file, data); err != nil {
			if len(c.pictures) == 0 {
				_ = os.Remove(dir) // a folder without pictures is no class to datasets.Folder
			}
			return err
		}
		c.pictures, b.pictures[p.id], id = append(c.pictures, p), p, p.id
		if b.first.IsZero() {
			b.first = time.Now()
		}
		b.touched()
		return nil
	})
	if err == nil {
		s.wake()
	}
	return id, err
}

// writeFile writes a whole file or none: under a hidden name, which datasets.Folder passes over, then renamed.
func writeFile(dir, name string, data []byte) error {
	hidden := filepath.Join(dir, ".new-"+name)
	err := os.WriteFile(hidden, data, 0o600)
	if err == nil {
		err = os.Rename(hidden, filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(hidden)
		return fmt.Errorf("demo: save a picture: %w", err)
	}
	return nil
}

// thumb is the thumbnail of a picture, nil where there is none of that id.
func (s *Server) thumb(id int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.board.pictures[id]; p != nil {
		return p.thumb
	}
	return nil
}

// copyTo puts the pictures into a folder of their own, class by class, where neither a new picture nor a removed one disturbs a training; by hard
// links where the file system has them. held are the names, "class/file", of those that the model is judged by: the last fifth of each class in the
// order in which they came, if every class has at least five. Pictures that follow each other, as in a burst of the camera, are nearly the same:
// were they drawn at random, the model would be asked what it has learned by heart.
func (b *board) copyTo(dir string) (held map[string]bool, classes map[string]int, err error) {
	held, classes = map[string]bool{}, map[string]int{}
	fewest := MostPictures
	for _, c := range b.classes {
		if n := len(c.pictures); n > 0 {
			classes[c.name], fewest = c.id, min(fewest, n)
		}
	}
	if len(classes) < 2 {
		return nil, nil, refuse(http.StatusConflict, "Two classes need pictures before there is anything to learn.")
	}
	for _, c := range b.classes {
		if len(c.pictures) == 0 {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, c.name), 0o700); err != nil {
			return nil, nil, fmt.Errorf("demo: copy the pictures: %w", err)
		}
		last := len(c.pictures)
		if fewest >= 5 {
			last -= max(1, len(c.pictures)/5)
		}
		for i, p := range c.pictures {
			if err := link(filepath.Join(b.folder, c.name, p.file), filepath.Join(dir, c.name, p.file)); err != nil {
				return nil, nil, fmt.Errorf("demo: copy the pictures: %w", err)
			}
			if i >= last {
				held[c.name+"/"+p.file] = true
			}
		}
	}
	return held, classes, nil
}

// link makes a second name for a file, or a copy where that is not possible.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// unseen are the pictures that the network has not represented.
func (b *board) unseen() (all []*picture) {
	for _, p := range b.pictures {
		if !p.seen {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(p, q *picture) int { return p.id - q.id })
	return all
}
