//go:build !linux

package engine

// forgetPages leaves the pages to the system, which takes them when it needs them.
func forgetPages([]byte) {}
