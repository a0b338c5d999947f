package datasets

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Counts says how many rows of a data set each class has. Look at it first: an accuracy means nothing without the majority's share.
type Counts struct {
	Name    string // what was counted, in words
	Classes []string
	Rows    []int // of each class
}

// Counts counts the rows of each class.
func (d Dataset) Counts(ctx context.Context) (Counts, error) {
	t, err := d.Table(ctx)
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Name: d.String(), Classes: t.Classes, Rows: make([]int, len(t.Classes))}
	for _, item := range t.Items {
		c.Rows[item.Label]++
	}
	return c, nil
}

// Total is the number of rows.
func (c Counts) Total() int {
	total := 0
	for _, n := range c.Rows {
		total += n
	}
	return total
}

// Majority is the largest class and its share of all rows, in [0, 1]: the accuracy of always answering it. Zero counts give "", 0.
func (c Counts) Majority() (class string, share float64) {
	most := 0
	for i, n := range c.Rows {
		if n > most {
			most, class = n, c.Classes[i]
		}
	}
	if most == 0 {
		return "", 0
	}
	return class, float64(most) / float64(c.Total())
}

// String draws the counts as a table.
func (c Counts) String() string {
	var out strings.Builder
	total := c.Total()
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "class\timages\tshare\t")
	for i, n := range c.Rows {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t\n", c.Classes[i], n, float64(n)/float64(max(total, 1)))
	}
	fmt.Fprintf(w, "all\t%d\t%.3f\t\n", total, 1.0)
	_ = w.Flush() // a strings.Builder takes all
	class, share := c.Majority()
	if share == 1 {
		return fmt.Sprintf("%s\n%sall images are of class %q: there is nothing to tell apart; add images of another class\n", c.Name, out.String(), class)
	}
	return fmt.Sprintf("%s\n%salways answering %q would be right for %.3f of them\n", c.Name, out.String(), class, share)
}
