package diagnose

import (
	"cmp"
	"slices"
	"strings"
)

// nearest returns the names, at most three, that somebody may have meant who wrote name: the same but for capitals, or few letters away.
func nearest(name string, names []string) []string {
	type scored struct {
		name  string
		steps int
	}
	var all []scored
	seen := map[string]bool{name: true}
	for _, n := range names {
		if seen[n] {
			continue
		}
		seen[n] = true
		if strings.EqualFold(n, name) {
			all = append(all, scored{n, 0})
		} else if d := distance(strings.ToLower(name), strings.ToLower(n)); d <= reach(name) && d < len([]rune(n)) {
			all = append(all, scored{n, d})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return a.steps - b.steps })
	var out []string
	for _, s := range all {
		if len(out) < 3 && s.steps <= all[0].steps+min(all[0].steps, 1) {
			out = append(out, s.name)
		}
	}
	return out
}

// reach is how many letters of name may be wrong.
func reach(name string) int {
	switch n := len([]rune(name)); {
	case n < 3:
		return 0
	case n < 6:
		return 1
	case n < 12:
		return 2
	}
	return 3
}

// distance counts the letters to insert, delete, replace or swap with a neighbour to turn a into b.
func distance(first, second string) int {
	a, b := []rune(first), []rune(second)
	if d := len(a) - len(b); d > 3 || d < -3 || len(a) > 100 {
		return 100 // beyond any reach, and cheap
	}
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

// orList joins names as people read them: a, b or c.
func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// shortest are the ten shortest of names, sorted.
func shortest(names []string) []string {
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	names = names[:min(len(names), 10)]
	slices.Sort(names)
	return names
}
