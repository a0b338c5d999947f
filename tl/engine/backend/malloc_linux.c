//go:build linux && cgo

#include <malloc.h>

// One arena: any other is made of pieces of 64 MB and maps whatever is larger, whatever M_MMAP_MAX says. A thread keeps the arena of
// its first malloc, so this has to be said before Go starts a thread.
__attribute__((constructor)) static void one_arena(void) {
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
#endif
}
