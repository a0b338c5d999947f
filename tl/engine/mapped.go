package engine

import (
	"slices"
	"sync"
	"sync/atomic"
)

// windows bounds how much of the mapped rows counts as this process's memory. Pages that were read stay in the system's cache of files, which it
// takes back as it needs; but they also count as resident here, and 100,000 rows of 88 kB would look like 9 GB of memory.
var windows mapped

type mapped struct {
	mu     sync.Mutex
	caches []*activationCache
	bytes  atomic.Int64 // read since they were last given back, at most
}

// mostMapped is how many bytes may be resident; tests set it.
var mostMapped int64 = 256 << 20

// around is how much the system maps around a page that is read.
const around = 64 << 10

func (m *mapped) add(c *activationCache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.caches, c) {
		m.caches = append(m.caches, c)
	}
}

func (m *mapped) remove(c *activationCache) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.caches = slices.DeleteFunc(m.caches, func(other *activationCache) bool { return other == c })
}

// touched notes that a row of so many bytes was read, and gives the pages back when there were many. Call it without the lock of any cache.
func (m *mapped) touched(bytes int) {
	if m.bytes.Add(int64(bytes)+around) < mostMapped {
		return
	}
	m.bytes.Store(0)
	m.mu.Lock()
	caches := slices.Clone(m.caches)
	m.mu.Unlock()
	for _, c := range caches {
		c.mu.Lock()
		forgetPages(c.data)
		c.mu.Unlock()
	}
}
