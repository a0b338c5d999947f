package datasets_test

import (
	"context"
	"strings"
	"testing"

	"transferlab/datasets"
)

// TestCountsOfOneClass: a data set from which nothing can be learned says so.
func TestCountsOfOneClass(t *testing.T) {
	ctx := context.Background()
	d := datasets.Shapes(30, 1)
	items, err := d.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var squares []int
	for i, item := range items {
		if item.Label == 1 {
			squares = append(squares, i)
		}
	}
	for want, d := range map[string]datasets.Dataset{
		`all images are of class "square": there is nothing to tell apart; add images of another class`: d.Rows(squares...),
		`always answering "`: d,
	} {
		c, err := d.Counts(ctx)
		if err != nil || !strings.Contains(c.String(), want) {
			t.Errorf("%v\n%swithout %s", err, c, want)
		}
	}
}
