//go:build linux && cgo

package backend

/*
#include <malloc.h>

static void keep_freed(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_MAX, 0); // no mappings of their own for large blocks: they are unmapped when freed
	mallopt(M_TRIM_THRESHOLD, -1); // never by itself: a step may take more than the 2 GiB that an int can say
#endif
}

static void trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

func keepFreed() { C.keep_freed() }

func trim() { C.trim() }
