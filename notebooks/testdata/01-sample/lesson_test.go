// # A title
//
// Prose with $x \neq y$ and a table:
//
// | a | b |
// |---|---|
// | 1 | < |
package sample_test

import (
	"fmt"

	"transferlab/datasets"
)

// ## Names
//
// A list:
//
//   - one
//   - two

// cells are the rows.
var cells = datasets.Open("elpv")

// Twice is a function
// with a comment of its own.
func twice(n int) int { return 2 * n } // beside it

// Prose between declarations.

const half = 0.5

// ## Run
//
// This is said before the cell.
func Example_runTwice() {
	// why
	for i := range 2 {
		fmt.Println(twice(i), half, cells.Source)
	}
	text := `raw
	stays`
	fmt.Println(len(text))
	// Output:
	// 0 0.5 elpv
	// 2 0.5 elpv
	// 10
}

// The end.
