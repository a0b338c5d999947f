package gx

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"

	"transferlab/tl/engine/backend"
)

// xla is the backend that all tests of this package share.
var xla compute.Backend

// TestMain finds the XLA plugin as the engine does, fetching it where this machine has none.
func TestMain(m *testing.M) {
	config, how, err := backend.Config(context.Background(), nil)
	if err == nil {
		err = backend.Check(config)
	}
	if err == nil {
		backend.Tune(config)
		xla, err = compute.NewWithConfig(config)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "gx: tests need a backend: %v (%s)\n", err, how)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
