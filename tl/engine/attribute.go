package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"transferlab/datasets"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// attribute draws heat maps; see tl.Model.Attribute.
func (e *Engine) attribute(ctx context.Context, r tl.AttributeRequest, report func(remote.Progress)) (tl.Attributions, error) {
	start := time.Now()
	s, err := e.subject(ctx, r.Model)
	if err != nil {
		return tl.Attributions{}, err
	}
	defer s.release()
	if s.model == nil && s.Classifier.Forward == nil {
		return tl.Attributions{}, fmt.Errorf("%s has no classifier of its own: give it a head with WithHead", s.Name)
	}
	data, err := hashed(ctx, r.Data)
	if err != nil {
		return tl.Attributions{}, err
	}
	q, err := s.question(ctx, r.Attribution, data)
	if err != nil {
		return tl.Attributions{}, err
	}
	var found heat
	if r.Attribution.Method == tl.Occlusion {
		found, err = e.occlude(ctx, s, q, report)
	} else {
		found, err = e.differentiate(ctx, s, q, report)
	}
	if err != nil {
		return tl.Attributions{}, err
	}
	found.timing.Total = time.Since(start)
	return tl.Attributions{Of: s.name, Asked: q.Attribution, Maps: found.maps, Class: found.class, Answer: answer(found.logits, q.classes), Time: found.timing}, nil
}

// question is what is asked of whom, checked, with what zero values stand for.
type question struct {
	tl.Attribution
	data    rows
	block   int      // Grad-CAM's
	wanted  []int32  // the class of each row; −1 is the one that is predicted
	classes []string // of all logits
}

// heat is what is found: maps [n, h, w], logits [n, classes], and the class that each map speaks for.
type heat struct {
	maps, logits tl.Tensor
	class        []int
	timing       tl.Timing
}

func (s subject) question(ctx context.Context, a tl.Attribution, data rows) (question, error) {
	q := question{Attribution: a, data: data}
	shape := []int{s.Size, s.Size}
	var err error
	switch a.Method {
	case tl.GradCAM:
		if q.block, err = s.camBlock(a.Block); err != nil {
			return q, err
		}
		q.Block, shape = s.Blocks[q.block].Name, s.Blocks[q.block].MapsShape()[:2]
	case tl.Occlusion:
		if q.Patch, q.Stride, err = patchOf(a, s.Size); err != nil {
			return q, err
		}
	case tl.Saliency:
	default:
		return q, noSuch("method", string(a.Method), []string{`"" (Grad-CAM)`, string(tl.Saliency), string(tl.Occlusion)})
	}
	switch {
	case a.Block != "" && a.Method != tl.GradCAM:
		return q, fmt.Errorf("%s has no block, it asks about the input: leave Block empty, or take tl.GradCAM", a.Method)
	case a.Method != tl.Occlusion && (a.Patch != 0 || a.Stride != 0):
		return q, fmt.Errorf("a patch is for tl.Occlusion: leave Patch and Stride 0")
	}
	if err := fitsCell("heat maps", data, shape); err != nil {
		return q, err
	}
	if q.classes, err = s.classNames(ctx, data.Dataset); err != nil {
		return q, err
	}
	q.wanted, err = s.wantedClasses(ctx, a.Class, q.classes, data)
	return q, err
}

// camBlock is the block whose maps Grad-CAM weights.
func (s subject) camBlock(name string) (int, error) {
	last := s.lastWithSpace()
	if last < 0 {
		return 0, fmt.Errorf("no block of %s gives maps with space, which Grad-CAM weights: take tl.Saliency or tl.Occlusion", s.Name)
	}
	if name == "" {
		return last, nil
	}
	n, err := s.block(name)
	if err == nil && !hasSpace(s.Blocks[n]) {
		err = fmt.Errorf("behind block %s there is no space left, only %v: Grad-CAM weights maps, take block %s or one before it", name, s.Blocks[n].MapsShape(), s.Blocks[last].Name)
	}
	return n, err
}

// patchOf is Occlusion's patch and stride for an input of that side.
func patchOf(a tl.Attribution, side int) (patch, stride int, err error) {
	patch, stride = a.Patch, a.Stride
	if patch == 0 {
		patch = max(side/4, 1)
	}
	if stride == 0 {
		stride = max(patch/2, 1)
	}
	switch {
	case patch < 1 || patch > side:
		err = fmt.Errorf("a patch of %d pixels for images of %d×%d: it is between 1 and %d", a.Patch, side, side, side)
	case stride < 1 || stride > patch:
		err = fmt.Errorf("a stride of %d pixels for a patch of %d: it is between 1 and %d, so that every place is covered", a.Stride, patch, patch)
	}
	return patch, stride, err
}

// classNames names every logit, as Predict does.
func (s subject) classNames(ctx context.Context, d datasets.Dataset) ([]string, error) {
	if s.model == nil {
		return s.Classes, nil
	}
	classes := s.model.journal.Classes
	if classes == nil {
		var err error
		if classes, err = d.Classes(ctx); err != nil {
			return nil, err
		}
	}
	return named(classes, s.model.logits), nil
}

// wantedClasses is the class of each row for which its map is drawn.
func (s subject) wantedClasses(ctx context.Context, class string, classes []string, data rows) ([]int32, error) {
	wanted := make([]int32, len(data.hashes))
	switch class {
	case "":
		for i := range wanted {
			wanted[i] = -1
		}
	case tl.TrueLabel:
		if err := s.sameLabels(ctx, data); err != nil {
			return nil, err
		}
		for i, item := range data.table.Items {
			if item.Label >= len(classes) {
				return nil, fmt.Errorf("%s has class %d, there are %d logits", data.Dataset, item.Label, len(classes))
			}
			wanted[i] = int32(item.Label)
		}
	default:
		number, err := classNumber(class, classes)
		if err != nil {
			return nil, err
		}
		for i := range wanted {
			wanted[i] = int32(number)
		}
	}
	return wanted, nil
}

// sameLabels refuses labels that mean other classes than the logits.
func (s subject) sameLabels(ctx context.Context, data rows) error {
	classes, err := data.Classes(ctx)
	switch {
	case err != nil:
		return err
	case s.model != nil:
		return s.model.sameClasses("the data", classes)
	case !slices.Equal(classes, s.Classes):
		return fmt.Errorf("the labels of %s are not classes of %s, which knows %d others: leave Class empty, or name one of its own", data.Dataset, s.Name, len(s.Classes))
	}
	return nil
}

// classNumber finds a class by its name, else by its number.
func classNumber(class string, classes []string) (int, error) {
	if n := slices.Index(classes, class); n >= 0 {
		return n, nil
	}
	if n, err := strconv.Atoi(class); err == nil {
		if n < 0 || n >= len(classes) {
			return 0, fmt.Errorf("class %d: there are %d, from 0 to %d", n, len(classes), len(classes)-1)
		}
		return n, nil
	}
	const few = 20
	if near := datasets.Nearest(class, classes); len(classes) > few && near != "" {
		return 0, fmt.Errorf("no class %q: did you mean %q?", class, near)
	} else if len(classes) > few {
		return 0, fmt.Errorf("no class %q among the %d: Predictions.Classes lists them; a number from 0 to %d does, too", class, len(classes), len(classes)-1)
	}
	return 0, noSuch("class", class, classes)
}
