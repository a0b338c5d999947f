package main

import (
	"context"
	"os"
	"strconv"
	"time"
)

// parentKey names the environment variable in which Jupyter tells a kernel who started it.
const parentKey = "JPY_PARENT_PID"

// parentCheck is how often a kernel looks whether that one still lives.
const parentCheck = time.Second

// withParent returns a context that ends with the Jupyter program that started this process: one that is killed says no goodbye, and its
// kernels would stay for ever. A process that was not started by Jupyter, or by Jupyter on another machine, watches nobody.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	if told, err := strconv.Atoi(os.Getenv(parentKey)); err != nil || told != parent {
		return ctx, cancel
	}
	go func() {
		tick := time.NewTicker(parentCheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() != parent { // an orphan is another process's child
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}
