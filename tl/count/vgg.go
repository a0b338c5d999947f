package count

import "fmt"

// VGG16 is configuration D of Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
// arXiv:1409.1556, table 1: 13 convolutions and 3 dense layers. It has 138,357,544 parameters for 1,000 classes and 14,714,688 without top
// (classes 0).
//
// For two classes it has 134,268,738; a lecture gives 134,268,737. All but the head is 134,260,544, and the head has a weight for each of 4,096
// inputs and a bias, for each class: two classes are 2 × 4096 + 2 = 8,194. The lecture's number leaves 8,193 = 2 × 4096 + 1 for the head: two
// classes with one bias between them, which no layer has. One class is 134,264,641.
func VGG16(classes int) Architecture {
	a := Architecture{Name: "vgg16", Input: []int{224, 224, 3}, Paper: "Simonyan & Zisserman 2014, arXiv:1409.1556", Published: []Published{
		{By: "Keras, torchvision", Params: 138_357_544, MACs: 15.47e9, Note: "torchvision's giga-operations of the weights: convolutions and dense layers"},
		{By: "He et al. 2015, arXiv:1512.03385", MACs: 15.3e9, Note: "multiply-adds of the convolutions"},
	}}
	for i, stage := range []struct{ convs, filters int }{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}} {
		block := Block{Name: fmt.Sprintf("block%d", i+1)}
		for c := range stage.convs {
			block.Layers = append(block.Layers, Conv{Name: fmt.Sprintf("conv%d", c+1), Filters: stage.filters, Kernel: 3},
				Activation{Name: fmt.Sprintf("relu%d", c+1)})
		}
		block.Layers = append(block.Layers, Pool{Size: 2, Padding: Valid})
		a.Layers = append(a.Layers, block)
	}
	if classes != 0 {
		a.Layers = append(a.Layers, Block{Name: "top", Layers: []Layer{Flatten{},
			Dense{Name: "fc1", Units: 4096}, Activation{Name: "relu1"}, Dropout{Name: "dropout1", Rate: 0.5},
			Dense{Name: "fc2", Units: 4096}, Activation{Name: "relu2"}, Dropout{Name: "dropout2", Rate: 0.5},
			Dense{Name: "classifier", Units: classes}}})
	}
	return a
}
