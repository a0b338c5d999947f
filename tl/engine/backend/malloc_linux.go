//go:build linux && cgo

package backend

/*
#include <malloc.h>

static void keep_freed(int trim_above) {
#ifdef __GLIBC__
	mallopt(M_MMAP_MAX, 0); // no mappings of their own for large blocks: they are unmapped when freed
	mallopt(M_TRIM_THRESHOLD, trim_above);
#endif
}

static void trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

import "math"

func keepFreed() { C.keep_freed(C.int(math.MaxInt32)) }

func trim() { C.trim() }
