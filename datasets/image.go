package datasets

import (
	"fmt"
	"os"
)

// unlabelled is the class of an image that nobody labelled.
const unlabelled = "unlabelled"

// Image describes one image, a PNG or JPEG file, that has no label: for Predict, Represent and Activations. A relative path is meant from where
// this program runs.
func Image(file string) Dataset { return Dataset{Source: "image", Path: absolute(file)} }

// openImage looks whether there is a file; whether it is an image shows when it is decoded.
func openImage(file string) (source, error) {
	if file == "" {
		return source{}, fmt.Errorf("datasets: open an image: no file is named; give the path of a PNG or JPEG image to datasets.Image")
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return source{}, fmt.Errorf("datasets: open image %q: %w", file, err)
	case info.IsDir():
		return source{}, fmt.Errorf("datasets: open image %q: it is a folder; use datasets.Folder, with one folder for each class in it", file)
	}
	return source{items: []Item{{ID: info.Name(), File: file}}, classes: []string{unlabelled}, content: fileContent}, nil
}
