package diagnose

import "regexp"

// noValue are the compiler's words for an expression that cannot be handed to the function that shows a cell's last expression, whatever
// name that function's package has in the cell.
var noValue = regexp.MustCompile(`\(no value\) used as value|\b(?:tlab_)?cell_*\.Result\b`)

// NeedsPlain reports whether the compiler complains that a wrapped last expression has no value that can be shown: the kernel then runs
// the cell again as it was written, and what else is wrong with it is said by the compiler once more.
func NeedsPlain(evalue string) bool { return noValue.MatchString(evalue) }
