package plots

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"time"

	"transferlab/tl"
)

// lightSVG is the size in bytes up to which a figure is shown as SVG without a look at PNG. A notebook holds every figure in its text, and
// thousands of points take less room as pixels.
const lightSVG = 200_000

// Show shows f below the notebook's cell. A cell seldom looks at what Show returns, and a figure that is missing without a word would be
// worse than a cell that fails: in a notebook an error ends the cell, as with tl.Must. In a program that no notebook runs there is
// nowhere to show a figure: Show returns an error that says to Save it.
func Show(f Figure) error {
	if !inNotebook() {
		return errors.New("plots: show: this program runs outside a notebook; write the figure to a file: plots.Save(\"figure.svg\", figure)")
	}
	tl.Must(f, show(f))
	return nil
}

// ClearMIME is the type of the message by which Clear reaches the lab's kernel, which passes on what GoNB has no message for.
const ClearMIME = "application/x-tlab-clear-output"

// Clear empties the output of the running cell: at once, or, with wait, when the next figure comes, so that an animation does not
// flicker. In a program that no notebook runs it returns an error, as Show does; under plain GoNB it shows nothing and clears nothing.
func Clear(wait bool) error {
	if !inNotebook() {
		return errors.New("plots: clear: this program runs outside a notebook, where no output can be taken back")
	}
	if err := display(map[string]string{ClearMIME: fmt.Sprint(wait)}); err != nil {
		return fmt.Errorf("plots: clear: %w", err)
	}
	return nil
}

func show(f Figure) error {
	if live, is := f.(interface {
		markup() (html, plain string, err error)
	}); is {
		html, plain, err := live.markup()
		if err != nil {
			return err
		}
		return shown(html, plain)
	}
	kind, picture, err := lighter(f)
	if err != nil {
		return err
	}
	width, _ := f.Size()
	// An <img> and not the bare picture: it carries the text, it stays when a notebook is opened untrusted, and the ids of two
	// figures cannot meet. Plain text is what frontends without pictures, and searches, find.
	element := fmt.Sprintf(`<img alt="%s" width="%.0f" style="max-width:100%%;height:auto;background:white" src="data:%s;base64,%s">`,
		html.EscapeString(f.Alt()), width.Dots(96), kind, base64.StdEncoding.EncodeToString(picture))
	return shown(element, f.Alt())
}

func shown(html, plain string) error {
	if err := display(map[string]string{"text/html": html, "text/plain": plain}); err != nil {
		return fmt.Errorf("plots: show: %w", err)
	}
	return nil
}

// lighter draws f in the format that takes fewer bytes.
func lighter(f Figure) (kind string, picture []byte, err error) {
	svg, err := SVG(f)
	if _, photographs := f.(interface{ photographs() }); err != nil || photographs || len(svg) <= lightSVG {
		return "image/svg+xml", svg, err
	}
	raster, err := PNG(f)
	if err == nil && len(raster) < len(svg) {
		return "image/png", raster, nil
	}
	return "image/svg+xml", svg, err
}

// patience is how long the kernel has to take a figure.
var patience = 10 * time.Second

// errDeserted says that it did not.
func errDeserted() error {
	return fmt.Errorf("the kernel did not take the figure within %v; restart it", patience)
}
