package datasets

import "fmt"

// shapeSize is the width and height of a synthetic image in pixels.
const shapeSize = 32

// maxShapes bounds the list of rows in memory.
const maxShapes = 1_000_000

var shapeClasses = []string{"circle", "square", "cross"}

// openShapes lists n synthetic images. Row i is drawn by a generator seeded with (seed, i): the first rows of a longer list are the same.
func openShapes(n int, seed int64) (source, error) {
	if n < 1 || n > maxShapes {
		return source{}, fmt.Errorf("datasets: draw shapes: %d images; the number must be 1 to %d", n, maxShapes)
	}
	items := make([]Item, n)
	for i := range items {
		items[i] = Item{ID: fmt.Sprintf("seed %d row %d", seed, i), Row: i, Label: shapeRandom(seed, i).IntN(len(shapeClasses))}
	}
	content := func(item Item) (Content, error) {
		return Content{Name: "shape " + item.ID, Bytes: drawShape(seed, item.Row), Width: shapeSize, Height: shapeSize, Depth: 3}, nil
	}
	return source{items: items, classes: shapeClasses, content: content}, nil
}

// drawShape draws one shape of a random bright colour, place and radius on a dark background with uniform noise.
func drawShape(seed int64, row int) []byte {
	random := shapeRandom(seed, row)
	label := random.IntN(len(shapeClasses)) // the first draw, as in openShapes
	radius := 6 + random.IntN(6)
	cx, cy := radius+1+random.IntN(shapeSize-2*radius-2), radius+1+random.IntN(shapeSize-2*radius-2)
	colour := [3]int{96 + random.IntN(128), 96 + random.IntN(128), 96 + random.IntN(128)}
	pixels := make([]byte, shapeSize*shapeSize*3)
	for y := range shapeSize {
		for x := range shapeSize {
			inside := insideShape(label, x-cx, y-cy, radius)
			for c := range 3 {
				value := 16 + random.IntN(32)
				if inside {
					value = colour[c] + random.IntN(32)
				}
				pixels[(y*shapeSize+x)*3+c] = byte(value)
			}
		}
	}
	return pixels
}

// insideShape reports whether the point (dx, dy) from the centre belongs to the shape.
func insideShape(label, dx, dy, radius int) bool {
	switch shapeClasses[label] {
	case "circle":
		return dx*dx+dy*dy <= radius*radius
	case "square":
		return max(dx, -dx, dy, -dy) <= radius*3/4
	default:
		return min(max(dx, -dx), max(dy, -dy)) <= radius/4 && max(dx, -dx, dy, -dy) <= radius
	}
}
