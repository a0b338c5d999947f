// Command elsewhere opens a model that was saved in a notebook and says what one image shows:
//
//	elsewhere models/cells cell0042.png
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"transferlab/datasets"
	"transferlab/tl"
	_ "transferlab/tl/engine"
)

func main() {
	ctx := context.Background()
	model, err := tl.Open(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	answer, err := model.Predict(ctx, datasets.Image(os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	for class, p := range answer.Probabilities.Row(0) {
		fmt.Printf("%s %.9g\n", answer.Classes[class], p) // nine digits tell any two float32 apart
	}
}
