package engine

import (
	"fmt"
	"strings"

	"transferlab/datasets"
)

// noSuch is the error about a name that nothing has, with the one that was probably meant: `no block "mbconv61": did you mean mbconv16?
// (have stem, mbconv1, …)`. noun is what the names are of: "block", "optimizer".
func noSuch(noun, name string, have []string) error {
	if near := datasets.Nearest(name, have); near != "" {
		return fmt.Errorf("no %s %q: did you mean %s? (have %s)", noun, name, near, strings.Join(have, ", "))
	}
	return fmt.Errorf("no %s %q (have %s)", noun, name, strings.Join(have, ", "))
}
