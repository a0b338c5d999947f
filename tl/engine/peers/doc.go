// Package peers measures the lab beside the usual tools: the same task, split, weights and recipe in this project, in PyTorch and in
// Keras, one after the other on one machine, every step's seconds and every accuracy in one table:
//
//	go test -run '^$' -bench Peers -benchtime 1x -timeout 60m ./tl/engine/peers
//
// and its forward passes and training steps beside theirs, images a second and ratios:
//
//	go test -run '^$' -bench Speed -benchtime 1x -timeout 60m ./tl/engine/peers
//
// README.md tells how to set the peers up, what is measured, and what was seen. A peer that is not set up is named and left out.
package peers
