package counter

import (
	"math/rand/v2"
	"regexp"

	"transferlab/tl/count"
)

// family is an error without its numbers and names.
func family(text string) string {
	return detail.ReplaceAllString(text, "#")
}

var detail = regexp.MustCompile(`("[^"]*"|-?[0-9]+)([ ×:.][0-9]+)*|.*: (#)?`)

func randomInput(r *rand.Rand) []int {
	switch r.IntN(20) {
	case 0:
		return []int{r.IntN(40)}
	case 1:
		return []int{r.IntN(40), 1 + r.IntN(40)}
	case 2:
		return []int{3, -r.IntN(3), 3}
	case 3:
		return []int{}
	case 4:
		return []int{1 << r.IntN(40), 1 << r.IntN(40), 1 << r.IntN(40)}
	}
	return []int{1 + r.IntN(40), 1 + r.IntN(40), 1 + r.IntN(8)}
}

func randomLayers(r *rand.Rand, n, depth int) []count.Layer {
	var layers []count.Layer
	for range n {
		layers = append(layers, randomLayer(r, depth))
	}
	return layers
}

// small is a number that a layer likes, and now and then one that it does not.
func small(r *rand.Rand, most int) int {
	if r.IntN(60) == 0 {
		return []int{-1, 0, 1 << 20, 1 << 40, 1<<53 - 1}[r.IntN(5)]
	}
	return 1 + r.IntN(most)
}

// seldom is a number that is mostly left out.
func seldom(r *rand.Rand, most int) int {
	if r.IntN(3) > 0 {
		return 0
	}
	return small(r, most)
}

func randomName(r *rand.Rand) string {
	return []string{"", "", "", "conv", "a", "b", "say \"hi\"", "größe", "x\ty"}[r.IntN(9)]
}

func randomPadding(r *rand.Rand) (count.Padding, count.Border) {
	padding, border := count.Padding(r.IntN(3)), count.Border{}
	if padding == count.Explicit || r.IntN(40) == 0 {
		border = count.Border{Top: r.IntN(3), Bottom: r.IntN(3), Left: r.IntN(3), Right: r.IntN(4) - r.IntN(2)}
	}
	if r.IntN(60) == 0 {
		padding = count.Padding(r.IntN(9) - 3)
	}
	return padding, border
}

func randomLayer(r *rand.Rand, depth int) count.Layer {
	name, yes := randomName(r), r.IntN(2) == 0
	padding, border := randomPadding(r)
	switch r.IntN(16) {
	case 0, 1, 2:
		return count.Conv{Name: name, Filters: small(r, 16), Kernel: small(r, 5), KernelWidth: seldom(r, 5), Stride: seldom(r, 3),
			Dilation: seldom(r, 3), Padding: padding, Border: border, Groups: seldom(r, 3), NoBias: yes}
	case 3:
		return count.Conv{Name: name, Depthwise: true, Filters: seldom(r, 4), Kernel: small(r, 5), Stride: seldom(r, 3), Padding: padding, Border: border,
			Groups: seldom(r, 2), NoBias: yes}
	case 4:
		return count.TransposedConv{Name: name, Filters: small(r, 16), Kernel: small(r, 5), KernelWidth: seldom(r, 5), Stride: seldom(r, 3),
			Dilation: seldom(r, 3), Padding: padding, Border: border, OutputPadding: seldom(r, 2), Groups: seldom(r, 2), NoBias: yes}
	case 5, 6:
		return count.Dense{Name: name, Units: small(r, 600), NoBias: yes}
	case 7:
		return count.BatchNorm{Name: name, NoScale: yes}
	case 8:
		return []count.Layer{count.LayerNorm{Name: name}, count.Embedding{Name: name, Words: small(r, 900), Units: small(r, 30)}}[r.IntN(2)]
	case 9, 10:
		return count.Pool{Name: name, Size: small(r, 4), Stride: seldom(r, 3), Padding: padding, Border: border, Average: yes}
	case 11:
		return count.GlobalPool{Name: name, Max: yes}
	case 12:
		return count.Flatten{Name: name}
	case 13:
		if r.IntN(4) == 0 {
			return count.Dropout{Name: name, Rate: 3*r.Float64() - 1}
		}
		return count.Activation{Name: name}
	}
	if depth == 0 {
		return count.Dropout{Name: name, Rate: r.Float64()}
	}
	if yes {
		return count.Block{Name: name, Layers: randomLayers(r, r.IntN(4), depth-1), Frozen: r.IntN(3) == 0}
	}
	p := count.Parallel{Name: name, Join: count.Join(r.IntN(3)), Frozen: r.IntN(3) == 0}
	for range 1 + r.IntN(4) {
		p.Branches = append(p.Branches, count.Block{Name: randomName(r), Layers: randomLayers(r, r.IntN(3), depth-1)})
	}
	return p
}
