package plots

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is what can be shown, saved and put beside another one.
type Figure interface {
	// Size is the figure's own size.
	Size() (width, height vg.Length)
	// Draw draws the figure on a white canvas of whatever size, and says what is wrong with its data before it draws anything.
	Draw(draw.Canvas) error
	// Alt says in a few sentences what the figure shows, with its main numbers, for readers who cannot see it. It is "" where Draw fails.
	Alt() string
}

// Sizing is the part of a figure that states its size.
type Sizing struct {
	Width, Height float64 // in inches; 0 is the figure's own choice, 8 × 5 where it has none
}

func (s Sizing) or(width, height float64) (vg.Length, vg.Length) {
	if s.Width > 0 {
		width = s.Width
	}
	if s.Height > 0 {
		height = s.Height
	}
	return vg.Length(width) * vg.Inch, vg.Length(height) * vg.Inch
}

// dotsPerInch of a PNG: twice the 96 at which a browser lays the page out, so that it stays sharp on a projector.
const dotsPerInch = 192

// SVG draws f as a scalable picture. Its text asks for Liberation Sans and falls back on fonts of the same widths (Arial, Helvetica).
func SVG(f Figure) ([]byte, error) {
	width, height, err := sizeOf(f)
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(width, height)
	if err := paint(f, canvas, width, height); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("plots: draw svg: %w", err)
	}
	return mend(out.Bytes(), f.Alt()), nil
}

// mend says in the SVG what vgsvg leaves out: the text for readers who cannot see it, fonts to fall back on, the images' true type.
func mend(svg []byte, alt string) []byte {
	svg = bytes.Replace(svg, []byte("<svg "), []byte(`<svg role="img" aria-label="`+html.EscapeString(alt)+`" `), 1)
	svg = bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	return bytes.ReplaceAll(svg, []byte(`xlink:href="data:image/jpg;`), []byte(`xlink:href="data:image/png;`))
}

// PNG draws f in pixels, 192 to the inch.
func PNG(f Figure) ([]byte, error) { return raster(f, dotsPerInch) }

func raster(f Figure, dpi int) ([]byte, error) {
	width, height, err := sizeOf(f)
	if err != nil {
		return nil, err
	}
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	if err := paint(f, canvas, width, height); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&out); err != nil {
		return nil, fmt.Errorf("plots: draw png: %w", err)
	}
	return out.Bytes(), nil
}

// sizeOf refuses sizes that no page has, before a canvas of them is made.
func sizeOf(f Figure) (width, height vg.Length, err error) {
	if f == nil {
		return 0, 0, errors.New("plots: draw: no figure")
	}
	const most = 100 * vg.Inch
	width, height = f.Size()
	if !(width >= vg.Inch && width <= most && height >= vg.Inch && height <= most) {
		return 0, 0, fmt.Errorf("plots: draw: a size of %.1f × %.1f inches is not between 1 and 100 (Width and Height are in inches)",
			width/vg.Inch, height/vg.Inch)
	}
	return width, height, nil
}

func paint(f Figure, canvas vg.Canvas, width, height vg.Length) error {
	c := draw.NewCanvas(canvas, width, height)
	c.SetColor(color.White) // a transparent figure would be unreadable in Jupyter's dark theme
	c.Fill(c.Rectangle.Path())
	return f.Draw(c)
}

// Save writes f to a file, as its name ends: .svg or .png. The file appears whole or not at all; one that was there is replaced.
func Save(path string, f Figure) error {
	render := SVG
	switch ending := strings.ToLower(filepath.Ext(path)); ending {
	case ".svg":
	case ".png":
		render = PNG
	default:
		return fmt.Errorf("plots: save %q: unknown ending %q (have .svg, .png)", path, ending)
	}
	content, err := render(f)
	if err != nil {
		return err
	}
	if err := writeWhole(path, content); err != nil {
		return fmt.Errorf("plots: save %q: %w", path, err)
	}
	return nil
}

func writeWhole(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".figure-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails after the rename, as it should
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
