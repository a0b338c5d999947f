package images

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"

	"transferlab/datasets"
)

func greyPixels(width int, values ...uint8) pixels {
	m := image.NewGray(image.Rect(0, 0, width, len(values)/width))
	copy(m.Pix, values)
	return pixels{grey: m}
}

// inColour is the same picture with three channels.
func (p pixels) inColour() pixels {
	out := opaque(p.grey.Rect.Dx(), p.grey.Rect.Dy())
	for i, v := range p.grey.Pix {
		copy(out.Pix[4*i:], []uint8{v, v, v})
	}
	return pixels{colour: out}
}

// TestSmallViews: what a view does with a picture of two rows, by hand, grey and in colour.
func TestSmallViews(t *testing.T) {
	both := datasets.View{LeftRight: true, UpDown: true}
	for _, c := range []struct {
		name  string
		v     datasets.View
		o     Options
		width int
		want  []uint8
	}{
		{"plain", datasets.View{}, Options{}, 3, []uint8{10, 20, 30, 40, 50, 60}},
		{"left right", datasets.View{LeftRight: true}, Options{}, 3, []uint8{30, 20, 10, 60, 50, 40}},
		{"upside down", datasets.View{UpDown: true}, Options{}, 3, []uint8{40, 50, 60, 10, 20, 30}},
		{"half a turn", both, Options{}, 3, []uint8{60, 50, 40, 30, 20, 10}},
		{"transposed", datasets.View{Transpose: true}, Options{}, 2, []uint8{10, 40, 20, 50, 30, 60}},
		{"a quarter turn", datasets.View{Transpose: true, UpDown: true}, Options{}, 2, []uint8{30, 60, 20, 50, 10, 40}},
		{"three quarters", datasets.View{Transpose: true, LeftRight: true}, Options{}, 2, []uint8{40, 10, 50, 20, 60, 30}},
		{"turned by 180°", datasets.View{Angle: 180}, Options{}, 3, []uint8{60, 50, 40, 30, 20, 10}},
		{"cropped", datasets.View{Crop: datasets.Box{X: 1, Y: 0, Width: 2, Height: 2}}, Options{}, 2, []uint8{20, 30, 50, 60}},
		{"cropped to its size", datasets.View{Crop: datasets.Box{X: 1, Y: 0, Width: 2, Height: 2}, LeftRight: true}, Options{Size: 2}, 2, []uint8{30, 20, 60, 50}},
		{"cropped and enlarged", datasets.View{Crop: datasets.Box{X: 2, Y: 1, Width: 1, Height: 1}}, Options{Size: 2}, 2, []uint8{60, 60, 60, 60}},
		{"brighter", datasets.View{Brightness: 0.5}, Options{}, 3, []uint8{15, 30, 45, 60, 75, 90}},
		{"darker", datasets.View{Brightness: -0.25}, Options{}, 3, []uint8{7, 15, 22, 30, 37, 45}},
		{"white is the end", datasets.View{Brightness: 1, Contrast: 1}, Options{}, 3, []uint8{0, 10, 50, 90, 130, 170}}, // 20 … 120, mean 70
		{"all one grey", datasets.View{Contrast: -1}, Options{}, 3, []uint8{35, 35, 35, 35, 35, 35}},
		{"no colour to move", datasets.View{Saturation: 0.5, Hue: 0.3, Grey: true}, Options{}, 3, []uint8{10, 20, 30, 40, 50, 60}},
		{"erased", datasets.View{Erase: datasets.Part{X: 0.3, Y: 0.5, Width: 0.7, Height: 0.5}}, Options{}, 3, []uint8{10, 20, 30, 40, 127, 127}},
	} {
		for kind, p := range map[string]pixels{"grey": greyPixels(3, 10, 20, 30, 40, 50, 60), "colour": greyPixels(3, 10, 20, 30, 40, 50, 60).inColour()} {
			before := slices.Clone(flat(p, flip{}))
			q, err := p.vary(c.v, c.o)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint8
			for _, rgb := range slices.Collect(slices.Chunk(flat(q, flip{c.v.LeftRight, c.v.UpDown}), 3)) {
				if rgb[0] != rgb[1] || rgb[0] != rgb[2] {
					t.Errorf("%s, %s: %v is no grey", c.name, kind, rgb)
				}
				got = append(got, rgb[0])
			}
			if !slices.Equal(got, c.want) || q.bounds().Dx() != c.width {
				t.Errorf("%s, %s: %v, width %d, instead of %v, width %d", c.name, kind, got, q.bounds().Dx(), c.want, c.width)
			}
			if !bytes.Equal(before, flat(p, flip{})) {
				t.Errorf("%s, %s: the stored picture was changed", c.name, kind)
			}
		}
	}
}

// flat is [h, w, 3].
func flat(p pixels, f flip) []uint8 {
	dst := make([]uint8, 3*p.bounds().Dx()*p.bounds().Dy())
	p.write(dst, f)
	return dst
}

// TestRotate: a ramp turned by an angle counter-clockwise is the ramp in that direction, and what comes in from outside is no black.
func TestRotate(t *testing.T) {
	const n = 41
	ramp := greyPixels(n, make([]uint8, n*n)...)
	for i := range ramp.grey.Pix {
		ramp.grey.Pix[i] = uint8(128 + 3*(i%n-n/2))
	}
	for _, degrees := range []float64{-75, -10, 0.5, 10, 45, 90, 133} {
		sin, cos := math.Sincos(degrees * math.Pi / 180)
		for kind, p := range map[string]pixels{"grey": ramp, "colour": ramp.inColour()} {
			got := flat(p.rotate(degrees), flip{})
			for y := -8; y <= 8; y++ {
				for x := -8; x <= 8; x++ {
					want := 128 + 3*(float64(x)*cos-float64(y)*sin)
					if v := got[3*((y+n/2)*n+x+n/2)]; math.Abs(float64(v)-want) > 3 { // half a pixel, where sizes are odd and even, and rounding
						t.Fatalf("%s, %v°: (%d, %d) is %d instead of %.1f", kind, degrees, x, y, v, want)
					}
				}
			}
			if least := slices.Min(got); least < 128-3*(n/2)-1 {
				t.Errorf("%s, %v°: something darker than the picture, %d, came in", kind, degrees, least)
			}
		}
	}
	for _, p := range []pixels{greyPixels(1, 7), greyPixels(1, 7, 7, 7, 7, 7, 7, 7, 7), greyPixels(9, 7, 7, 7, 7, 7, 7, 7, 7, 7)} {
		for _, v := range flat(p.rotate(30), flip{}) {
			if v != 7 {
				t.Errorf("%v: a picture of one grey became %d somewhere", p.bounds(), v)
			}
		}
	}
}

// views is testdata/pillow_views.json.
type views struct {
	Rules []struct {
		Name          string
		Wide, Bicubic bool
		Short         int
		At, Values    []int
	}
	Pixels        []uint8
	Width, Height int
	Colours       []struct {
		What         string
		Change       float64
		Colour, Grey []uint8
	}
}

func readViews(t *testing.T) (v views) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "pillow_views.json"))
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRulesAsTorchvision: shorter side and middle cut, bilinear and bicubic, of ELPV cells and of pictures that are no squares.
func TestRulesAsTorchvision(t *testing.T) {
	ctx := context.Background()
	d := datasets.Open("elpv")
	items, err := d.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var differences []int
	for _, rule := range readViews(t).Rules {
		row := slices.IndexFunc(items, func(i datasets.Item) bool { return filepath.Base(i.File) == rule.Name })
		stored, err := Image(ctx, d, row, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := pixels{grey: stored.(*image.Gray)}
		if rule.Wide {
			p = p.cut(image.Rect(0, 20, 300, 241))
		}
		p, err = p.fit(Options{Size: 224, Crop: 224 / float64(rule.Short), Bicubic: rule.Bicubic})
		if err != nil {
			t.Fatal(err)
		}
		got := flat(p, flip{})
		for k, at := range rule.At {
			differences = append(differences, difference(got[3*at:][:3], rule.Values[k]))
		}
	}
	if largest, mean := spread(differences); len(differences) < 2000 || largest > 1 || mean > 0.005 {
		t.Errorf("largest difference %d of 255, mean %.5f, of %d pixels", largest, mean, len(differences))
	} else {
		t.Logf("largest difference %d of 255, mean %.5f, of %d pixels", largest, mean, len(differences))
	}
}

// TestColoursAsTorchvision: to the bit, but for hue, which Pillow keeps in 8 bits.
func TestColoursAsTorchvision(t *testing.T) {
	golden := readViews(t)
	colour, grey := pixels{colour: opaque(golden.Width, golden.Height)}, pixels{grey: image.NewGray(image.Rect(0, 0, golden.Width, golden.Height))}
	for i := range grey.grey.Pix {
		grey.grey.Pix[i] = golden.Pixels[3*i]
		copy(colour.colour.Pix[4*i:], golden.Pixels[3*i:][:3])
	}
	tested := map[string]int{}
	for _, c := range golden.Colours {
		var v datasets.View
		tolerance := 0
		switch c.What {
		case "Brightness":
			v.Brightness = c.Change
		case "Contrast":
			v.Contrast = c.Change
		case "Saturation":
			v.Saturation = c.Change
		case "Hue":
			v.Hue, tolerance = c.Change, 12 // of 255: two steps of Pillow's hue, which are up to 6 of a colour; see TestHueTurns, too
		case "Grey":
			v.Grey = true
		}
		tested[c.What]++
		for kind, pair := range map[string][2][]uint8{"colour": {flat(colour.recolour(v), flip{}), c.Colour}, "grey": {flat(grey.recolour(v), flip{}), c.Grey}} {
			for i, want := range pair[1] {
				if far := int(pair[0][i]) - int(want); max(far, -far) > tolerance {
					t.Errorf("%s %v, %s: value %d is %d instead of %d", c.What, c.Change, kind, i, pair[0][i], want)
				}
			}
		}
	}
	if len(tested) != 5 {
		t.Errorf("only %v were compared", tested)
	}
}

// TestHueTurns: red goes to green and blue by thirds of the circle, and all around to itself.
func TestHueTurns(t *testing.T) {
	for _, c := range []struct {
		turn float64
		want [3]uint8
	}{{0, [3]uint8{200, 40, 40}}, {1.0 / 3, [3]uint8{40, 200, 40}}, {-1.0 / 3, [3]uint8{40, 40, 200}}, {0.5, [3]uint8{40, 200, 200}}, {-0.5, [3]uint8{40, 200, 200}}, {1.0 / 6, [3]uint8{200, 200, 40}}} {
		got := []uint8{200, 40, 40}
		turnHue(got, c.turn)
		if [3]uint8(got) != c.want {
			t.Errorf("%v of the circle: %v instead of %v", c.turn, got, c.want)
		}
	}
}

// TestViewsDoNotDependOnTheBatch: a view of an image is the same alone, in a batch, in another order and under another name.
func TestViewsDoNotDependOnTheBatch(t *testing.T) {
	ctx := context.Background()
	a := datasets.Augmentation{FlipLeftRight: true, QuarterTurns: true, CropArea: [2]float64{0.3, 0.9}, Rotate: 20, Brightness: 0.3, Contrast: 0.3, Erase: 0.5, V: 4}
	d := datasets.Open("elpv").Take(12).Augment(a)
	all := make([]uint8, 12*64*64*3)
	turned := slices.Clone(all)
	positions := positionsTo(12)
	seen := map[string]bool{}
	for view := range a.Views() {
		if err := Pixels(ctx, d, positions, Options{Size: 64, View: view}, all); err != nil {
			t.Fatal(err)
		}
		back := slices.Clone(positions)
		slices.Reverse(back)
		if err := Pixels(ctx, d, back, Options{Size: 64, View: view}, turned); err != nil {
			t.Fatal(err)
		}
		const size = 64 * 64 * 3
		for i := range 12 {
			row := all[i*size:][:size]
			if !bytes.Equal(row, turned[(11-i)*size:][:size]) {
				t.Errorf("view %d of image %d is another in another order", view, i)
			}
			alone := make([]uint8, size)
			if err := Pixels(ctx, d.Rows(i), []int{0}, Options{Size: 64, View: view}, alone); err != nil || !bytes.Equal(row, alone) {
				t.Errorf("view %d of image %d is another alone, %v", view, i, err)
			}
			if seen[string(row)] {
				t.Errorf("view %d of image %d is there twice", view, i)
			}
			seen[string(row)] = true
		}
		if view == 0 {
			plain := slices.Clone(all)
			if err := Pixels(ctx, datasets.Open("elpv"), positions, Options{Size: 64}, plain); err != nil || !bytes.Equal(plain, all) {
				t.Errorf("view 0 is not the plain image, %v", err)
			}
		}
	}
}

// TestViewsOfAnySize: the narrowest pictures have all views, too, in the size asked for.
func TestViewsOfAnySize(t *testing.T) {
	ctx := context.Background()
	a := datasets.Augmentation{FlipUpDown: true, QuarterTurns: true, CropArea: [2]float64{0.01, 1}, CropAspect: [2]float64{0.1, 10}, Rotate: 180,
		Brightness: 1, Contrast: 1, Saturation: 1, Hue: 0.5, Grey: 0.5, Erase: 1, V: 12}
	for _, size := range []image.Point{{1, 1}, {1, 300}, {300, 1}, {2, 3}, {64, 48}} {
		for kind, m := range map[string]image.Image{"grey": image.NewGray(image.Rectangle{Max: size}), "colour": opaque(size.X, size.Y)} {
			d := datasets.Folder(folder(t, map[string][]byte{"a/1.png": encodePNG(t, m)})).Augment(a)
			for view := range a.Views() {
				for _, side := range []int{1, 7, 32} {
					if err := Pixels(ctx, d, []int{0}, Options{Size: side, View: view, Bicubic: view%2 == 0}, make([]uint8, side*side*3)); err != nil {
						t.Errorf("%s of %v, view %d at %d: %v", kind, size, view, side, err)
					}
				}
				if stored, err := Image(ctx, d, 0, Options{View: view}); err != nil || stored.Bounds().Empty() {
					t.Errorf("%s of %v, view %d as stored: %v", kind, size, view, err)
				}
			}
		}
	}
}

// BenchmarkViews: what a drawn view costs beside the plain image, on one processor.
//
//	go test -run - -bench Views -cpu 1 ./datasets/images
func BenchmarkViews(b *testing.B) {
	ctx := context.Background()
	dst := make([]uint8, 224*224*3)
	for _, c := range []struct {
		name string
		a    datasets.Augmentation
	}{
		{"plain", datasets.Augmentation{}},
		{"crop", datasets.Augmentation{CropArea: [2]float64{0.35, 1}}},
		{"rotate", datasets.Augmentation{Rotate: 10}},
		{"colour", datasets.Augmentation{Brightness: 0.2, Contrast: 0.2}},
		{"all", datasets.Augmentation{FlipLeftRight: true, CropArea: [2]float64{0.35, 1}, Rotate: 10, Brightness: 0.2, Contrast: 0.2, Erase: 0.5}},
	} {
		d := datasets.Open("elpv").Take(64).Augment(c.a)
		table, err := d.Table(ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			for i := range b.N {
				o := Options{Size: 224, View: min(1, c.a.Views()-1)}
				if err := Decode(ctx, table, c.a, []int{i % 64}, o, dst); err != nil {
					b.Fatal(fmt.Sprint(c.name, err))
				}
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden pictures anew")

// TestEightViews compares eight views of one solar cell, and of one coloured picture, with the golden sheets, which were looked at.
func TestEightViews(t *testing.T) {
	ctx := context.Background()
	a := datasets.Augmentation{FlipLeftRight: true, FlipUpDown: true, CropArea: [2]float64{0.35, 1}, Rotate: 15, Brightness: 0.3, Contrast: 0.3,
		Saturation: 0.5, Hue: 0.2, Grey: 0.2, Erase: 0.4}
	for name, d := range map[string]datasets.Dataset{"elpv": datasets.Open("elpv").Rows(3), "synthetic": datasets.Synthetic(1, 5)} {
		const side = 112
		sheet := image.NewNRGBA(image.Rect(0, 0, 4*side, 2*side))
		for view := range a.Views() {
			m, err := Image(ctx, d.Augment(a), 0, Options{Size: side, View: view})
			if err != nil {
				t.Fatal(err)
			}
			at := image.Pt(view%4*side, view/4*side)
			draw.Draw(sheet, image.Rectangle{at, at.Add(image.Pt(side, side))}, m, image.Point{}, draw.Src)
		}
		file := filepath.Join("testdata", "views_"+name+".png")
		if *update {
			if err := os.WriteFile(file, encodePNG(t, sheet), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := imaging.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		want := imaging.Clone(golden)
		if want.Rect != sheet.Rect {
			t.Fatalf("%s: %v instead of %v", name, sheet.Rect, want.Rect)
		}
		for i := range want.Pix {
			if far := int(sheet.Pix[i]) - int(want.Pix[i]); max(far, -far) > 1 { // processors may round a turned pixel otherwise
				t.Fatalf("%s: pixel (%d, %d) is %d instead of %d; look at it, and write it anew with -update", name, i/4%(4*side), i/4/(4*side), sheet.Pix[i], want.Pix[i])
			}
		}
	}
}
