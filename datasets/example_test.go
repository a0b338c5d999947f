package datasets_test

import (
	"context"
	"fmt"
	"log"

	"transferlab/datasets"
)

func ExampleDataset_Split() {
	ctx := context.Background()
	train, valid := datasets.Shapes(100, 1).Split(0.8, 1)
	for _, part := range []datasets.Dataset{train, valid} {
		counts, err := part.Counts(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(counts)
	}
	// Output:
	// 100 shapes, seed 1; 0.8 of each class, seed 1
	//    class  images  share
	//   circle      27  0.338
	//   square      20  0.250
	//    cross      33  0.412
	//      all      80  1.000
	// always answering "cross" would be right for 0.412 of them
	// 100 shapes, seed 1; the rest of a split at 0.8, seed 1
	//    class  images  share
	//   circle       7  0.350
	//   square       5  0.250
	//    cross       8  0.400
	//      all      20  1.000
	// always answering "cross" would be right for 0.400 of them
}

func ExampleDataset_EveryNth() {
	ctx := context.Background()
	rest, test := datasets.Shapes(10, 1).EveryNth(4)
	for _, part := range []datasets.Dataset{rest, test} {
		items, err := part.Items(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(part, ":")
		for _, item := range items {
			fmt.Print(" ", item.Row)
		}
		fmt.Println()
	}
	// Output:
	// 10 shapes, seed 1; without every 4th row: 1 2 3 5 6 7 9
	// 10 shapes, seed 1; every 4th row: 0 4 8
}

func ExampleDataset_Augment() {
	d := datasets.Open("elpv").Augment(datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true})
	fmt.Println(d)
	fmt.Println(d.Augmentation.Views(), "views of each image")
	// Output:
	// elpv; flipped left to right in training; flipped upside down in training
	// 4 views of each image
}

func ExampleAugmentation() {
	d := datasets.Shapes(100, 1).Augment(datasets.Augmentation{FlipLeftRight: true, CropArea: [2]float64{0.35, 1}, Rotate: 10, Brightness: 0.2})
	fmt.Println(d)
	fmt.Println(d.Augmentation.Views(), "views, view 0", d.Augmentation.Name(0))
	_, err := d.Augment(datasets.Augmentation{Rotate: 200}).Len(context.Background())
	fmt.Println(err)
	// Output:
	// 100 shapes, seed 1; 8 views: flipped left to right, crops of 35 to 100 % of the area, turned by up to 10°, brightness ±20 % in training
	// 8 views, view 0 plain
	// datasets: augment: Rotate is 200; degrees either way are 0 to 180
}
