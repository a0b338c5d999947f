package counter

import (
	_ "embed"
)

//go:embed count.js
var countJS string
