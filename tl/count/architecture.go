package count

import "fmt"

// Architecture is a published network as layers.
type Architecture struct {
	Name      string // as Keras, torchvision and timm spell it: "vgg16"
	Input     []int  // [h, w, c] that it was published for
	Layers    []Layer
	Paper     string
	Published []Published // what others count for 1,000 classes
}

// Published is what somebody else says about a network.
type Published struct {
	By     string
	Params float64 // parameters, to the digits that are given; 0 is not said
	MACs   float64 // multiply-accumulates for one image, likewise
	Note   string  // what is counted in another way than here
}

// Count counts the network for its input, which may be changed before.
func (a Architecture) Count() (Table, error) {
	t, err := Network(a.Input, a.Layers...)
	t.Name = a.Name
	if err != nil {
		return t, fmt.Errorf("%w (in %s)", err, a.Name)
	}
	return t, nil
}

// Architectures lists all networks that this package knows, the lecture's first, with a head for so many classes; 0 is without top.
func Architectures(classes int) []Architecture {
	return []Architecture{LectureCNN(classes), VGG16(classes), ResNet18(classes), ResNet50(classes), MobileNetV2(classes), InceptionV3(classes),
		EfficientNetLite(0, classes), EfficientNetLite(1, classes), EfficientNetLite(2, classes), EfficientNetLite(3, classes),
		EfficientNetLite(4, classes)}
}

// LectureCNN is the small network that the lecture counts on its slides, for images of 32×32 in colour; there it has 4 classes, and
// 2,103,156 parameters: 224 + 3,216 + 2,097,664 + 2,052. classes 0 leaves out the last layer.
func LectureCNN(classes int) Architecture {
	a := Architecture{Name: "lecture_cnn", Input: []int{32, 32, 3}, Paper: "AC295, transfer learning: the example of counting parameters"}
	a.Layers = []Layer{
		Conv{Name: "conv1", Filters: 8, Kernel: 3},
		Conv{Name: "conv2", Filters: 16, Kernel: 5, Stride: 2},
		Flatten{},
		Dense{Name: "hidden", Units: 512},
	}
	if classes != 0 {
		a.Layers = append(a.Layers, Dense{Name: "classes", Units: classes})
	}
	return a
}

// convNorm is a convolution without bias, the batch norm that takes the bias' place, and an activation; "" is none.
func convNorm(conv Conv, norm BatchNorm, activation string) []Layer {
	conv.NoBias = true
	layers := []Layer{conv, norm}
	if activation != "" {
		layers = append(layers, Activation{Name: activation})
	}
	return layers
}

// torchConv pads as PyTorch's networks do: half of the kernel on every side.
func torchConv(name string, filters, kernel, stride int) Conv {
	return Conv{Name: name, Filters: filters, Kernel: kernel, Stride: stride, Padding: Explicit, Border: Around(kernel / 2)}
}

// pooledTop is the usual head: the mean of each channel, and one dense layer.
func pooledTop(classes int, dropout float64) []Layer {
	if classes == 0 {
		return nil
	}
	top := Block{Name: "top", Layers: []Layer{GlobalPool{Name: "pool"}}}
	if dropout > 0 {
		top.Layers = append(top.Layers, Dropout{Rate: dropout})
	}
	top.Layers = append(top.Layers, Dense{Name: "classifier", Units: classes})
	return []Layer{top}
}
