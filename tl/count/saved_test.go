package count_test

import (
	"testing"

	"transferlab/tl/count"
)

// TestActivationsPyTorchKeeps holds the counted activations against the tensors that PyTorch really keeps for the way back (saved_bytes in
// testdata/peers), to the byte. PyTorch keeps what a backward formula reads: inputs of convolutions, dense layers and batch norms, outputs of
// relus, the places of the largest values of a pool as 8-byte integers, and the mean and deviation of the batch for each batch norm. A relu
// overwrites its input. The estimate of Memory keeps every output once, so it is higher.
func TestActivationsPyTorchKeeps(t *testing.T) {
	for _, c := range []struct {
		network count.Architecture
		kept    func(of func(kind string) float64) float64 // numbers an image
		atMost  float64                                    // the estimate, as a multiple of what is kept
	}{
		{count.VGG16(1000), func(of func(string) float64) float64 { // relus overwrite convolutions; torchvision pools 7×7 to 7×7, a copy; dropout keeps its mask
			return of("activation") + 3*of("max pool") + 2*of("dropout") + 7*7*512
		}, 1.58},
		{count.ResNet18(1000), residual, 1.52},
		{count.ResNet50(1000), residual, 1.76},
		{count.MobileNetV2(1000), func(of func(string) float64) float64 { // relu6 keeps its input as well
			return of("conv") + of("depthwise conv") + of("batch norm") + of("activation") + 2*of("dropout")
		}, 1.02},
	} {
		p, table := readPeer(t, "torchinfo_"+c.network.Name), counted(t, c.network)
		image := float64(volume(table.Input))
		batch := float64(p.SavedBatch)
		kept := 4*batch*(image+c.kept(func(kind string) float64 { return elements(table, kind) })) + 4*float64(table.Buffers())
		if kept != float64(p.SavedBytes) || p.SavedBytes == 0 {
			t.Errorf("%s: counted %.0f bytes, PyTorch keeps %d", table.Name, kept, p.SavedBytes)
		}
		memory, err := table.Memory(p.SavedBatch, count.SGD)
		if err != nil {
			t.Fatal(err)
		}
		if ratio := float64(memory.Activations) / float64(p.SavedBytes); ratio < 1 || ratio > c.atMost {
			t.Errorf("%s: the estimate is %.3f times what PyTorch keeps, want 1 to %g", table.Name, ratio, c.atMost)
		}
	}
}

// residual: relus overwrite batch norms and sums, and a batch norm before a sum is kept by nobody.
func residual(of func(kind string) float64) float64 {
	return of("conv") + of("activation") + 3*of("max pool") + of("global average pool")
}
