package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"transferlab/tl/engine/backend"
)

// windows bounds how much of the mapped rows counts as this process's memory. Pages that were read stay in the system's cache of files, which it
// takes back as it needs; but they also count as resident here, and 100,000 rows of 88 kB would look like 9 GB of memory.
var windows mapped

type mapped struct {
	mu     sync.Mutex
	caches []*activationCache
	read   atomic.Int64 // bytes since it was last looked at what is resident
	before atomic.Int64 // what of files was resident when pages were last given back: programs and libraries
}

// mostMapped is how many bytes of rows may be resident; tests set it.
var mostMapped int64 = 256 << 20

// lookEvery is after how many bytes that were read it is looked at what is resident: the system maps more than what is read, and how much
// more is its own affair (512 kB around a row, with the large folios of Linux 6.18 on ext4).
const lookEvery = 1 << 20

func (m *mapped) add(c *activationCache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.caches) == 0 {
		m.before.Store(residentOfFiles())
	}
	if !slices.Contains(m.caches, c) {
		m.caches = append(m.caches, c)
	}
}

func (m *mapped) remove(c *activationCache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.caches = slices.DeleteFunc(m.caches, func(other *activationCache) bool { return other == c })
}

// touched notes that a row of so many bytes was read, and gives pages back when many are resident. Call it without the lock of any cache.
func (m *mapped) touched(bytes int) {
	if m.read.Add(int64(bytes)) < min(lookEvery, mostMapped/4) {
		return
	}
	m.read.Store(0)
	if residentOfFiles()-m.before.Load() < mostMapped {
		return
	}
	m.mu.Lock()
	caches := slices.Clone(m.caches)
	m.mu.Unlock()
	for _, c := range caches {
		c.mu.Lock()
		forgetPages(c.data)
		c.mu.Unlock()
	}
	m.before.Store(residentOfFiles())
}

// residentOfFiles is how many bytes of this process's memory are pages of files; 0 where the system does not say.
func residentOfFiles() int64 {
	_, files, _ := backend.Resident()
	return files
}
