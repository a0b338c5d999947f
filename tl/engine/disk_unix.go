//go:build linux || darwin

package engine

import "syscall"

// freeBytes is what this user may still write to the disk of that folder.
func freeBytes(folder string) (free int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
