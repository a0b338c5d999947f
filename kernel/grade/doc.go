// Package grade grades notebooks that students hand in, and makes the notebooks that they get.
//
// A submission is somebody else's program. It runs under bubblewrap (https://github.com/containers/bubblewrap): without a network, on a
// read-only system of which it sees only what cells need, with a home and a /tmp of its own in memory, in its own process namespace, with
// limits on time, memory and processes, and on processors that are its own while it runs. It has a kernel and an engine of its own, and no
// path to the scores, to other submissions, or to this process. In there, the place of transferlab/lessons/check is taken by package
// recorder, which has no answers in it.
//
// Only answers leave the sandbox, as lines on its standard output: a number, a text, or what a func returned for arguments that this package
// chose. This process judges them with its own lessons/check. So a submission can write whatever it likes about points: nobody reads it, and a
// forged answer is an answer, right or wrong like any other.
//
//	tlab grade ─┬─ bwrap ── tlab answers ── tlab kernel ─┬─ gonb ── cells
//	            │                                        └─ tlab engine
//	            └─ watch: memory and processes of each sandbox
package grade
