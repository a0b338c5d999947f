package tl

import (
	"errors"
	"fmt"
	"slices"
)

// Thaw says which blocks of the base are unfrozen, as data. The zero Thaw leaves every block as it is.
type Thaw struct {
	Kind  string // "" leaves them, "nothing", "blocks", "stages", "from" or "everything"; see the functions that make them
	N     int    // blocks, stages: how many of the last
	Block string // from: the first unfrozen block
}

// ThawNothing freezes the whole base: what trains is the head.
func ThawNothing() Thaw { return Thaw{Kind: "nothing"} }

// ThawTop leaves the last n blocks of the base unfrozen, those next to the head; n ≥ 0.
func ThawTop(n int) Thaw { return Thaw{Kind: "blocks", N: n} }

// ThawStages leaves the blocks of the last k stages unfrozen, as Summary lists them, or the whole base where it has fewer; k ≥ 0.
func ThawStages(k int) Thaw { return Thaw{Kind: "stages", N: k} }

// ThawFrom leaves the block of that name and all behind it unfrozen.
func ThawFrom(block string) Thaw { return Thaw{Kind: "from", Block: block} }

// ThawEverything leaves the whole base unfrozen.
func ThawEverything() Thaw { return Thaw{Kind: "everything"} }

// String says it in words.
func (t Thaw) String() string {
	switch t.Kind {
	case "":
		return "as it is"
	case "nothing":
		return "base frozen"
	case "blocks":
		return "top " + counted(t.N, "block")
	case "stages":
		return "top " + counted(t.N, "stage")
	case "from":
		return "from " + flat(t.Block)
	case "everything":
		return "all unfrozen"
	}
	return fmt.Sprintf("%q", t.Kind)
}

// Blocks are the names of the blocks of the base that are unfrozen by t, from the input on; s is the summary of a base or of a model on it.
func (t Thaw) Blocks(s Summary) ([]string, error) {
	base := slices.DeleteFunc(slices.Clone(s.Blocks), func(b Block) bool { return b.Stage == headStage })
	first := len(base)
	switch t.Kind {
	case "":
		return unfrozen(base), nil
	case "nothing":
	case "everything":
		first = 0
	case "blocks":
		if t.N < 0 || t.N > len(base) {
			return nil, fmt.Errorf("thaw the top %d blocks: %s has %d", t.N, s.Name, len(base))
		}
		first = len(base) - t.N
	case "stages":
		if t.N < 0 {
			return nil, fmt.Errorf("thaw the top %d stages: a number of stages is 0 or more", t.N)
		}
		for stages := 0; first > 0; first-- {
			if first == len(base) || base[first].Stage != base[first-1].Stage {
				if stages == t.N {
					break
				}
				stages++
			}
		}
	case "from":
		first = slices.IndexFunc(base, func(b Block) bool { return b.Name == t.Block })
		if first < 0 {
			return nil, fmt.Errorf("thaw from block %q: %s has %s", t.Block, s.Name, blockNames(base))
		}
	default:
		return nil, errThaw(t)
	}
	return names(base[first:]), nil
}

// thawed is the summary with the blocks of those names unfrozen, and no others.
func (s Summary) thawed(open []string) Summary {
	s.Blocks = slices.Clone(s.Blocks)
	for i, b := range s.Blocks {
		s.Blocks[i].Frozen = b.Stage != headStage && !slices.Contains(open, b.Name)
	}
	return s
}

func errThaw(t Thaw) error {
	return errors.New("no way to thaw " + t.String() + " (have ThawNothing, ThawTop, ThawStages, ThawFrom, ThawEverything)")
}

// headStage is the stage of a model's head in its Summary.
const headStage = "head"

func unfrozen(blocks []Block) []string {
	return names(slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool { return b.Frozen }))
}

func names(blocks []Block) []string {
	list := make([]string, len(blocks))
	for i, b := range blocks {
		list[i] = b.Name
	}
	return list
}

// blockNames lists what there is in an error.
func blockNames(blocks []Block) string {
	if len(blocks) == 0 {
		return "no blocks"
	}
	text := blocks[0].Name
	for _, b := range blocks[1:] {
		text += ", " + b.Name
	}
	return text
}

// counted is "1 epoch", "2 epochs".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
