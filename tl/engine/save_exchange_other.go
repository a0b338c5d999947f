//go:build !linux && !darwin

package engine

import "errors"

// exchange swaps the names of two folders in one step, where the system can.
func exchange(string, string) error { return errors.ErrUnsupported }
