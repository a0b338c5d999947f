package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"transferlab/plots/counter"
	"transferlab/tl"
	arithmetic "transferlab/tl/count"
)

// CounterFigure is a network whose parameters are counted before the reader's eyes. In a notebook, and in a page that `tlab run` wrote, it
// is interactive: layers are changed, added, moved and removed with the mouse or the keyboard, and shapes, formulas and totals follow. No
// kernel is asked. Where scripts do not run (a notebook from elsewhere that is not trusted yet, a page for printing) it is a table. Drawn as
// a picture it is a bar for each layer that has parameters.
type CounterFigure struct {
	Networks []arithmetic.Architecture // the first opens; the reader may change to the others, and to some that are well known
	Title    string                    // of the picture; "" is the network's name with its totals
	Sizing                             // of the picture; Width 0 is 8; Height 0 is what the layers need
}

// Counter shows the arithmetic of a network, for changing: Counter(count.LectureCNN(4)). A network of one's own is
// count.Architecture{Name: "mine", Input: []int{28, 28, 1}, Layers: []count.Layer{…}}; tl's layers (tl.Dense(2)) may stand there too. A
// network that does not fit together opens with what is wrong with it. Without networks it is the lecture's.
func Counter(networks ...arithmetic.Architecture) CounterFigure {
	if len(networks) == 0 {
		networks = []arithmetic.Architecture{arithmetic.LectureCNN(4)}
	}
	return CounterFigure{Networks: networks}
}

// bars is the first network as a figure that no reader can change.
func (f CounterFigure) bars() (ParametersFigure, error) {
	if len(f.Networks) == 0 {
		return ParametersFigure{}, errors.New("plots: draw counter: no network (Counter gives the lecture's)")
	}
	table, err := f.Networks[0].Count()
	if err != nil {
		return ParametersFigure{}, fmt.Errorf("plots: draw counter: %w", err)
	}
	s := tl.Summary{Name: table.Name, Input: table.Input}
	for _, r := range table.Rows {
		if r.Params > 0 {
			s.Blocks = append(s.Blocks, tl.Block{Name: r.Name, Output: r.Output, Params: r.Params, Frozen: r.Frozen == r.Params})
		}
	}
	if len(s.Blocks) == 0 {
		return ParametersFigure{}, fmt.Errorf("plots: draw counter: %s has no layer with parameters", table.Name)
	}
	return ParametersFigure{Summary: s, Title: f.Title, Sizing: f.Sizing}, nil
}

// Size implements Figure.
func (f CounterFigure) Size() (width, height vg.Length) {
	bars, err := f.bars()
	if err != nil {
		return f.or(8, 3)
	}
	return bars.Size()
}

// Draw implements Figure.
func (f CounterFigure) Draw(c draw.Canvas) error {
	bars, err := f.bars()
	if err != nil {
		return err
	}
	return bars.Draw(c)
}

// Alt implements Figure.
func (f CounterFigure) Alt() string {
	bars, err := f.bars()
	if err != nil {
		return ""
	}
	return bars.Alt()
}

// markup is what a notebook shows.
func (f CounterFigure) markup() (html, plain string, err error) {
	if html, err = counter.HTML(f.Networks...); err != nil {
		return "", "", fmt.Errorf("plots: show: %w", err)
	}
	table, err := f.Networks[0].Count()
	if err != nil {
		return html, err.Error(), nil
	}
	return html, table.String(), nil
}
