package zoo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"transferlab/tl"
	"transferlab/tl/weights"
)

// onnxPiece is a run of operators between two cuts.
type onnxPiece struct {
	nodes         []weights.ONNXNode // without those of constants
	input, output string             // the one value that enters, and the one that leaves
	last          bool               // it takes an image [n, h, w, c] and not [n, c, h, w]
	pooled        bool               // a representation that has places is averaged over them
}

// sizedByValue are the operators that make as much of little as a number in the file says: no network for images needs them to be run.
var sizedByValue = []string{"ConstantOfShape", "Range", "Tile", "EyeLike", "OneHot", "NonZero", "RandomNormal", "RandomUniform", "Loop", "Scan", "If"}

// cutter cuts a graph into blocks.
type cutter struct {
	graph    weights.ONNXGraph
	nodes    []weights.ONNXNode // those that the first output needs, in order
	producer map[string]int     // value → the node that puts it out
	fixed    []bool             // of a node: it depends on no image, only on constants
	block    []int              // of a node: the piece it belongs to; -1 for a fixed one
	image    string             // the graph's input
}

// cut assigns operators to blocks: one more piece than there are blocks where a classifier follows them.
func cut(graph weights.ONNXGraph, blocks []tl.ONNXBlock) ([]onnxPiece, error) {
	c := &cutter{graph: graph, producer: map[string]int{}}
	if len(graph.Inputs) != 1 || len(graph.Outputs) == 0 {
		return nil, fmt.Errorf("the graph has %d inputs and %d outputs, want one image in and its classes out", len(graph.Inputs), len(graph.Outputs))
	}
	c.image = graph.Inputs[0].Name
	if err := c.order(); err != nil {
		return nil, err
	}
	patterns, err := compile(blocks)
	if err != nil {
		return nil, err
	}
	if err := c.assign(blocks, patterns); err != nil {
		return nil, err
	}
	c.classifier(len(blocks), patterns)
	return c.pieces(blocks)
}

func compile(blocks []tl.ONNXBlock) ([]*regexp.Regexp, error) {
	if len(blocks) == 0 {
		return nil, fmt.Errorf("there are no blocks: name at least one, with the pattern of the operators or weights it begins with")
	}
	patterns := make([]*regexp.Regexp, len(blocks))
	seen := map[string]bool{classifierBlock: true, "head": true}
	for i, b := range blocks {
		if b.Name == "" || strings.Contains(b.Name, "/") || seen[b.Name] {
			return nil, fmt.Errorf("block %d is called %q: a block's name is not empty, has no \"/\", is not %q or \"head\", and stands once", i+1, b.Name, classifierBlock)
		}
		seen[b.Name] = true
		var err error
		if patterns[i], err = regexp.Compile(b.Pattern); err != nil {
			return nil, fmt.Errorf("block %q: pattern: %w", b.Name, err)
		}
		if b.Pattern == "" {
			return nil, fmt.Errorf("block %q: its pattern is empty", b.Name)
		}
	}
	return patterns, nil
}

// order checks that each node stands behind those it needs, and keeps those that the first output needs.
func (c *cutter) order() error {
	all := c.graph.Nodes
	known := map[string]int{c.image: -1}
	needs := make([][]int, len(all))
	for i, n := range all {
		if n.Conditional() || slices.Contains(sizedByValue, n.Op) {
			return fmt.Errorf("operator %s (%s) is not read: what it computes, or how much, depends on values", n.Name, n.Op)
		}
		for _, v := range n.Inputs {
			_, held := c.graph.Tensors.Tensors[v]
			from, made := known[v]
			switch {
			case made && from >= 0:
				needs[i] = append(needs[i], from)
			case !made && !held && v != "":
				return fmt.Errorf("operator %s (%s) takes %s, which nothing before it puts out", n.Name, n.Op, v)
			}
		}
		for _, v := range n.Outputs {
			if _, twice := known[v]; twice && v != "" {
				return fmt.Errorf("two operators put out %s", v)
			}
			known[v] = i
		}
	}
	last, made := known[c.graph.Outputs[0]]
	if !made || last < 0 {
		return fmt.Errorf("nothing puts out %s", c.graph.Outputs[0])
	}
	needed := make([]bool, len(all))
	needed[last] = true
	for i := last; i >= 0; i-- {
		for _, from := range needs[i] {
			needed[from] = needed[from] || needed[i]
		}
	}
	for i, n := range all {
		if needed[i] {
			for _, v := range n.Outputs {
				c.producer[v] = len(c.nodes)
			}
			c.nodes = append(c.nodes, n)
		}
	}
	return nil
}

// assign gives each node the block that matches it, else the furthest of those whose outputs it takes.
func (c *cutter) assign(blocks []tl.ONNXBlock, patterns []*regexp.Regexp) error {
	c.fixed, c.block = make([]bool, len(c.nodes)), make([]int, len(c.nodes))
	matched := make([]bool, len(blocks))
	for i, n := range c.nodes {
		inherited, fixed := 0, true
		for _, v := range n.Inputs {
			from, made := c.producer[v]
			if v == c.image || made && !c.fixed[from] {
				fixed = false
			}
			if made && !c.fixed[from] {
				inherited = max(inherited, c.block[from])
			}
		}
		if c.fixed[i] = fixed; fixed {
			c.block[i] = -1
			continue
		}
		c.block[i] = inherited
		if own := c.matches(n, patterns); own >= 0 {
			if own < inherited {
				return fmt.Errorf("operator %s matches block %q, but takes what block %q puts out", n.Name, blocks[own].Name, blocks[inherited].Name)
			}
			matched[own], c.block[i] = true, own
		}
	}
	if i := slices.Index(matched, false); i >= 0 {
		return fmt.Errorf("block %q: pattern %q matches no operator and no weight; the operators are %s", blocks[i].Name, blocks[i].Pattern, c.names())
	}
	return nil
}

// matches is the first block whose pattern the node or one of its weights has; -1 for none.
func (c *cutter) matches(n weights.ONNXNode, patterns []*regexp.Regexp) int {
	return slices.IndexFunc(patterns, func(p *regexp.Regexp) bool {
		return p.MatchString(n.Name) || slices.ContainsFunc(n.Inputs, func(v string) bool {
			_, held := c.graph.Tensors.Tensors[v]
			return held && p.MatchString(v)
		})
	})
}

func (c *cutter) names() string {
	var names []string
	for _, n := range c.nodes {
		names = append(names, n.Name)
	}
	if len(names) > 12 {
		names = append(names[:11], fmt.Sprintf("… (%d in all)", len(names)))
	}
	return strings.Join(names, ", ")
}

// classifier moves what has weights of its own behind the last block's last match, and what follows it, into a piece of its own.
func (c *cutter) classifier(blocks int, patterns []*regexp.Regexp) {
	last := 0
	for i, n := range c.nodes {
		if !c.fixed[i] && c.matches(n, patterns) == blocks-1 {
			last = i
		}
	}
	for i := last + 1; i < len(c.nodes); i++ {
		n := c.nodes[i]
		if c.fixed[i] || c.block[i] < blocks-1 {
			continue
		}
		behind := slices.ContainsFunc(n.Inputs, func(v string) bool {
			from, made := c.producer[v]
			return made && c.block[from] == blocks
		})
		heavy := slices.ContainsFunc(n.Inputs, func(v string) bool { return len(c.graph.Tensors.Tensors[v].Shape) > 1 })
		if behind || heavy {
			c.block[i] = blocks
		}
	}
}

// pieces finds the one value that passes each cut.
func (c *cutter) pieces(blocks []tl.ONNXBlock) ([]onnxPiece, error) {
	count := slices.Max(c.block) + 1
	pieces := make([]onnxPiece, count)
	for i, n := range c.nodes {
		if !c.fixed[i] {
			pieces[c.block[i]].nodes = append(pieces[c.block[i]].nodes, n)
		}
	}
	for k := range pieces {
		name := "classifier"
		if k < len(blocks) {
			name = blocks[k].Name
		}
		if len(pieces[k].nodes) == 0 {
			return nil, fmt.Errorf("block %q has no operators", name)
		}
		entering := c.crossing(k)
		if len(entering) != 1 {
			return nil, fmt.Errorf("%d tensors pass into block %q, want one: %s; choose the patterns so that no path passes a cut beside another",
				len(entering), name, strings.Join(entering, ", "))
		}
		pieces[k].input = entering[0]
		if k > 0 {
			pieces[k-1].output = entering[0]
		}
	}
	pieces[count-1].output = c.graph.Outputs[0]
	for k := range pieces {
		pieces[k].nodes = c.withConstants(pieces[k].nodes)
	}
	return pieces, nil
}

// crossing lists the values made before block k that it or a later one takes.
func (c *cutter) crossing(k int) (values []string) {
	for i, n := range c.nodes {
		if c.fixed[i] || c.block[i] < k {
			continue
		}
		for _, v := range n.Inputs {
			from, made := c.producer[v]
			crosses := v == c.image || made && !c.fixed[from] && c.block[from] < k
			if crosses && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// withConstants puts the constants that nodes need before them.
func (c *cutter) withConstants(nodes []weights.ONNXNode) []weights.ONNXNode {
	needed := map[int]bool{}
	var need func(n weights.ONNXNode)
	need = func(n weights.ONNXNode) {
		for _, v := range n.Inputs {
			if from, made := c.producer[v]; made && c.fixed[from] && !needed[from] {
				needed[from] = true
				need(c.nodes[from])
			}
		}
	}
	for _, n := range nodes {
		need(n)
	}
	var all []weights.ONNXNode
	for i, n := range c.nodes {
		if needed[i] {
			all = append(all, n)
		}
	}
	return append(all, nodes...)
}
