// Package latency holds no program, only measurements: what a cell costs in this lab's kernel and beside it, and which packages it links.
//
//	go test -run '^$' -bench Latency -benchtime 1x -timeout 30m ./kernel/latency
//
// prints medians of changing cells, kernels taking turns, with what GoNB alone, a cell with GoMLX linked in and ipykernel take on the same
// machine in the same minutes.
//
//	go test -run '^$' -bench FirstPrediction -benchtime 1x -timeout 30m ./kernel/latency
//
// prints the time from the start of a kernel to the first prediction for one photograph, beside ipykernel with Keras.
package latency
