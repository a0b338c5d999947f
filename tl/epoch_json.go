package tl

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// figure is a float64 that JSON can hold whatever it is: NaN, which stands for a figure that was not measured, and the infinities are strings.
type figure float64

func (f figure) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return json.Marshal(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return json.Marshal(float64(f))
}

func (f *figure) UnmarshalJSON(text []byte) error {
	var v float64
	if len(text) > 0 && text[0] != '"' {
		err := json.Unmarshal(text, &v)
		*f = figure(v)
		return err
	}
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(name, 64)
	if err != nil {
		return fmt.Errorf("tl: read a figure: %q is no number", name)
	}
	*f = figure(v)
	return nil
}

// epochFigures is Epoch as JSON has it.
type epochFigures struct {
	Loss, Accuracy, ValidLoss, ValidAccuracy, Seconds, ImagesPerSecond figure
	Blocks                                                             []blockFigures `json:",omitempty"`
}

// blockFigures is BlockRecord as JSON has it.
type blockFigures struct {
	Block               string
	Rate, Update, Drift figure
}

// MarshalJSON writes the figures by name; those that are no numbers, as the valid ones without valid, are strings.
func (e Epoch) MarshalJSON() ([]byte, error) {
	f := epochFigures{Loss: figure(e.Loss), Accuracy: figure(e.Accuracy), ValidLoss: figure(e.ValidLoss), ValidAccuracy: figure(e.ValidAccuracy),
		Seconds: figure(e.Seconds), ImagesPerSecond: figure(e.ImagesPerSecond)}
	for _, b := range e.Blocks {
		f.Blocks = append(f.Blocks, blockFigures{b.Block, figure(b.Rate), figure(b.Update), figure(b.Drift)})
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Epoch) UnmarshalJSON(text []byte) error {
	var f epochFigures
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*e = Epoch{Loss: float64(f.Loss), Accuracy: float64(f.Accuracy), ValidLoss: float64(f.ValidLoss), ValidAccuracy: float64(f.ValidAccuracy),
		Seconds: float64(f.Seconds), ImagesPerSecond: float64(f.ImagesPerSecond)}
	for _, b := range f.Blocks {
		e.Blocks = append(e.Blocks, BlockRecord{b.Block, float64(b.Rate), float64(b.Update), float64(b.Drift)})
	}
	return nil
}
