// Package faults holds no program, only what is done to a kernel to break it. Every test starts the real program with the real GoNB, engine
// and weights, and asks after each blow for a cell's result, a declaration, a kept value and a model of before, bit for bit.
//
//	go test ./kernel/faults -run TestFaults -times 50 -v -timeout 90m
//
// does each fault fifty times and prints a table.
//
//	go test ./kernel/faults -run TestThousandCells -cells 1000 -figure FILE.png -v -timeout 60m
//
// runs one long session, measures its processes every twenty cells, and draws them.
package faults
