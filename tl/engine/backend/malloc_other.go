//go:build !linux || !cgo

package backend

func keepFreed() {}

func trim() {}

func trimAbove(int64) {}

func memory() int64 { return 0 }
