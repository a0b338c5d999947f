package datasets

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
)

// syntheticSize is the width and height of an image of Synthetic in pixels: what ImageNet networks see.
const syntheticSize = 224

// Synthetic describes n images of 224×224 of three classes (circle, square, cross), drawn from seed when they are decoded: a data set of any
// size without files, to measure memory and time with. They are no photographs: for tests only. n is 1 to 1,000,000.
func Synthetic(n int, seed int64) Dataset { return Dataset{Source: "synthetic", N: n, Seed: seed} }

// openSynthetic lists n images. As with Shapes, the first rows of a longer list are the same.
func openSynthetic(n int, seed int64) (source, error) {
	if n < 1 || n > maxShapes {
		return source{}, fmt.Errorf("datasets: draw synthetic images: %d images; the number must be 1 to %d", n, maxShapes)
	}
	items := make([]Item, n)
	for i := range items {
		items[i] = Item{ID: fmt.Sprintf("seed %d row %d", seed, i), Row: i, Label: shapeRandom(seed, i).IntN(len(shapeClasses))}
	}
	content := func(item Item) (Content, error) {
		return Content{Name: "synthetic " + item.ID, Bytes: drawSynthetic(seed, item.Row), Width: syntheticSize, Height: syntheticSize, Depth: 3}, nil
	}
	// What an image shows follows from seed and row: a hash of these two says the same as one of 150 kB of pixels, and costs nothing.
	hash := func(item Item) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "synthetic 1 %d %d", seed, item.Row)) }
	return source{items: items, classes: shapeClasses, content: content, hash: hash}, nil
}

// drawSynthetic draws one shape of a random colour, place and radius on a background that fades from one dark colour to another, with a
// little noise: about 0.2 ms. A change to it must change the text that openSynthetic hashes.
func drawSynthetic(seed int64, row int) []byte {
	random := shapeRandom(seed, row)
	label := random.IntN(len(shapeClasses)) // the first draw, as in openSynthetic
	radius := 24 + random.IntN(72)
	cx, cy := radius+random.IntN(syntheticSize-2*radius), radius+random.IntN(syntheticSize-2*radius)
	var shape, from, to [3]int
	for c := range 3 {
		shape[c], from[c], to[c] = 112+random.IntN(128), 8+random.IntN(80), 8+random.IntN(80)
	}
	noise := random.Uint64()
	pixels := make([]byte, syntheticSize*syntheticSize*3)
	for y := range syntheticSize {
		line := pixels[y*syntheticSize*3:][:syntheticSize*3]
		var ground [3]int
		for c := range 3 {
			ground[c] = from[c] + (to[c]-from[c])*y/syntheticSize
		}
		for x := range syntheticSize {
			noise ^= noise << 13 // xorshift (Marsaglia 2003), cheaper for each pixel than math/rand
			noise ^= noise >> 7
			noise ^= noise << 17
			colour := &ground
			if insideShape(label, x-cx, y-cy, radius) {
				colour = &shape
			}
			out := line[3*x:][:3]
			out[0], out[1], out[2] = byte(colour[0]+int(noise&15)), byte(colour[1]+int(noise>>4&15)), byte(colour[2]+int(noise>>8&15))
		}
	}
	return pixels
}

func shapeRandom(seed int64, row int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), uint64(row)))
}
