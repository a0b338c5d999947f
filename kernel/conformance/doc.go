// Package conformance holds no program, only tests: the kernel in front of the Jupyter programs that people use it with, and under
// jupyter_kernel_test, the protocol's own test suite. Python's part of them is in testdata; requirements.txt pins the programs.
package conformance

//go:generate ../setup/requirements.sh .
