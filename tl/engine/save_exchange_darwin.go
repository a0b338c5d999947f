package engine

import "golang.org/x/sys/unix"

// exchange swaps the names of two folders in one step. Some file systems cannot.
func exchange(a, b string) error { return unix.RenamexNp(a, b, unix.RENAME_SWAP) }
