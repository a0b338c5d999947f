package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// apply selects rows. It never changes items, and leaves at least one row or says why not.
func (p Pick) apply(items []Item) ([]Item, error) {
	var kept []Item
	var err error
	switch p.Kind {
	case "split":
		kept, err = p.split(items)
	case "nth":
		kept, err = p.nth(items)
	case "take":
		kept, err = p.take(items)
	case "rows":
		kept, err = p.rows(items)
	case "per class":
		kept, err = p.perClass(items)
	default:
		err = fmt.Errorf("pick %q: no such kind of selection (have split, nth, take, rows, per class)", p.Kind)
	}
	if err == nil && len(kept) == 0 {
		err = fmt.Errorf("%s: no row is left of %d", p, len(items))
	}
	return kept, err
}

// split keeps round(Fraction·n) of the n rows of each class, or the others. Each class is shuffled by a generator of its own, so that
// one more row in one class moves no row of another.
func (p Pick) split(items []Item) ([]Item, error) {
	if !(p.Fraction > 0 && p.Fraction < 1) { // also refuses NaN
		return nil, fmt.Errorf("split: fraction %v is not between 0 and 1; 0.8 puts four fifths into the first part", p.Fraction)
	}
	first := p.ofEachClass(items, func(n int) int { return int(math.Round(p.Fraction * float64(n))) })
	return keep(items, func(i int) bool { return first[i] != p.Rest }), nil
}

// perClass keeps min(K, n) of the n rows of each class.
func (p Pick) perClass(items []Item) ([]Item, error) {
	if p.K < 1 {
		return nil, fmt.Errorf("per class: %d rows of each class; the number must be at least 1", p.K)
	}
	kept := p.ofEachClass(items, func(n int) int { return min(p.K, n) })
	return keep(items, func(i int) bool { return kept[i] }), nil
}

// ofEachClass marks the first rows of each class after the shuffle: of n rows as many as share says.
func (p Pick) ofEachClass(items []Item, share func(n int) int) []bool {
	byClass := map[int][]int{}
	for i, item := range items {
		byClass[item.Label] = append(byClass[item.Label], i)
	}
	marked := make([]bool, len(items))
	for label, rows := range byClass {
		random := rand.New(rand.NewPCG(uint64(p.Seed), uint64(label)))
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, row := range rows[:share(len(rows))] {
			marked[row] = true
		}
	}
	return marked
}

func (p Pick) nth(items []Item) ([]Item, error) {
	if p.K < 1 {
		return nil, fmt.Errorf("every nth: k is %d and must be at least 1", p.K)
	}
	return keep(items, func(i int) bool { return (i%p.K == 0) != p.Rest }), nil
}

func (p Pick) take(items []Item) ([]Item, error) {
	if p.K < 1 {
		return nil, fmt.Errorf("take or skip: %d rows; the number must be at least 1", p.K)
	}
	n := min(p.K, len(items))
	if p.Rest {
		return items[n:], nil
	}
	return items[:n:n], nil
}

func (p Pick) rows(items []Item) ([]Item, error) {
	if len(p.Rows) == 0 {
		return nil, errors.New("rows: no position is given")
	}
	kept := make([]Item, len(p.Rows))
	for i, row := range p.Rows {
		if row < 0 || row >= len(items) {
			return nil, fmt.Errorf("rows: position %d does not exist; positions are 0 to %d", row, len(items)-1)
		}
		kept[i] = items[row]
	}
	return kept, nil
}

// keep is the items at the positions that are wanted, in order.
func keep(items []Item, wanted func(int) bool) []Item {
	var kept []Item
	for i, item := range items {
		if wanted(i) {
			kept = append(kept, item)
		}
	}
	return kept
}

// String describes a selection in words.
func (p Pick) String() string {
	switch {
	case p.Kind == "split" && p.Rest:
		return fmt.Sprintf("the rest of a split at %v, seed %d", p.Fraction, p.Seed)
	case p.Kind == "split":
		return fmt.Sprintf("%v of each class, seed %d", p.Fraction, p.Seed)
	case p.Kind == "nth" && p.Rest:
		return fmt.Sprintf("without every %s row", ordinal(p.K))
	case p.Kind == "nth":
		return fmt.Sprintf("every %s row", ordinal(p.K))
	case p.Kind == "take" && p.Rest:
		return fmt.Sprintf("without the first %d rows", p.K)
	case p.Kind == "take":
		return fmt.Sprintf("the first %d rows", p.K)
	case p.Kind == "per class":
		return fmt.Sprintf("%d of each class, seed %d", p.K, p.Seed)
	case p.Kind == "rows" && len(p.Rows) <= 4:
		return fmt.Sprintf("rows %s", strings.Trim(fmt.Sprint(p.Rows), "[]"))
	case p.Kind == "rows":
		return fmt.Sprintf("%d chosen rows", len(p.Rows))
	}
	return fmt.Sprintf("selection %q", p.Kind)
}

// ordinal writes 1st, 2nd, 3rd, 4th, 11th.
func ordinal(n int) string {
	end := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return fmt.Sprint(n, end)
}

// String describes d in one line, without reading it.
func (d Dataset) String() string {
	parts := []string{d.Source}
	switch {
	case d.Source == "":
		parts[0] = "no data set"
	case d.Source == "shapes":
		parts[0] = fmt.Sprintf("%d shapes, seed %d", d.N, d.Seed)
	case d.Source == "synthetic":
		parts[0] = fmt.Sprintf("%d synthetic images, seed %d", d.N, d.Seed)
	case d.Path != "":
		parts[0] += " " + d.Path
	}
	for _, p := range d.Picks {
		parts = append(parts, p.String())
	}
	if what := d.Augmentation.variations(); len(what) > 0 && d.Augmentation.drawn() {
		parts = append(parts, d.Augmentation.String()+" in training")
	} else {
		for _, flip := range what {
			parts = append(parts, flip+" in training")
		}
	}
	return strings.Join(parts, "; ")
}
