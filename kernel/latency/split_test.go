package latency

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// splitCells is how many further cells are taken apart; the programs that note their times add some milliseconds to each.
const splitCells = 5

// split is where a cell's time goes. The zero value is a kernel whose cells are not built.
type split struct{ goimports, load, compile, link, rest time.Duration }

func (s split) String() string {
	if s == (split{}) {
		return "\t\t\t\t\t"
	}
	var out strings.Builder
	for _, d := range []time.Duration{s.goimports, s.load, s.compile, s.link, s.rest} {
		fmt.Fprintf(&out, "%.0f\t", milliseconds(d))
	}
	return out.String()
}

// watched stands in for go or goimports: it runs the real one, lets the go command write what its steps took, and notes when.
const watched = `#!/bin/sh
began=$(date +%%s%%N)
name=%[1]s
if [ "$name $1" = "go build" ]; then
	shift
	set -- build "-debug-actiongraph=%[2]s/graph" "$@"
	name="go build"
fi
%[3]s "$@"
code=$?
echo "$name $((($(date +%%s%%N) - began) / 1000))" >> %[2]s/times
exit $code
`

// splitAll runs some cells of our kernel's contenders in a lab whose go and goimports note their times.
func (b bench) splitAll(bb *testing.B, all []*contender) {
	notes := bb.TempDir()
	home := filepath.Join(notes, "home")
	if err := b.mirror(home, notes); err != nil {
		bb.Fatal(err)
	}
	for _, c := range all {
		if c.launch.Argv[0] != b.tlab || strings.Contains(c.name, "!") {
			continue
		}
		s := start(bb, b.oursIn(home))
		if c.before != "" {
			if _, _, err := run(bb.Context(), s, c.before, ""); err != nil {
				bb.Fatal(err)
			}
		}
		var parts [5][]time.Duration
		for range splitCells {
			os.Remove(filepath.Join(notes, "times"))
			number++
			took, _, err := run(bb.Context(), s, c.cell(number), c.want)
			if err != nil {
				bb.Fatal(err)
			}
			p, err := readSplit(notes, took)
			if err != nil {
				bb.Fatal(err)
			}
			for i, d := range []time.Duration{p.goimports, p.load, p.compile, p.link, p.rest} {
				parts[i] = append(parts[i], d)
			}
		}
		c.split = split{median(parts[0]), median(parts[1]), median(parts[2]), median(parts[3]), median(parts[4])}
		s.Close()
	}
}

// mirror makes a lab's home of links to the real one, but for what cells leave behind: activations, the history. Where notes is not "", go
// and goimports are watched.
func (b bench) mirror(home, notes string) error {
	if err := os.MkdirAll(filepath.Join(home, "bin"), 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{b.lab.Home: home, b.lab.Bin(): filepath.Join(home, "bin")} {
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		for _, e := range entries {
			place, real := filepath.Join(to, e.Name()), filepath.Join(from, e.Name())
			watch := notes != "" && (e.Name() == "go" || e.Name() == "goimports")
			switch {
			case e.Name() == "bin" || e.Name() == "activations" || strings.HasPrefix(e.Name(), "history"):
			case watch:
				err = os.WriteFile(place, fmt.Appendf(nil, watched, e.Name(), notes, real), 0o755)
			default:
				err = os.Symlink(real, place)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readSplit reads what the watched programs noted during a cell.
func readSplit(notes string, took time.Duration) (s split, err error) {
	times, err := os.ReadFile(filepath.Join(notes, "times"))
	if err != nil {
		return s, err
	}
	var build time.Duration
	for line := range strings.Lines(string(times)) {
		name, us, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb, found := strings.CutPrefix(us, "build "); found {
			name, us = "go build", verb
		}
		n, err := strconv.Atoi(us)
		if err != nil {
			return s, err
		}
		switch d := time.Duration(n) * time.Microsecond; name {
		case "goimports":
			s.goimports += d
		case "go build":
			build += d
		}
	}
	text, err := os.ReadFile(filepath.Join(notes, "graph"))
	if err != nil {
		return s, err
	}
	var actions []struct {
		Mode                string
		TimeStart, TimeDone time.Time
		Cmd                 []string
	}
	if err := json.Unmarshal(text, &actions); err != nil {
		return s, err
	}
	for _, a := range actions {
		switch d := a.TimeDone.Sub(a.TimeStart); {
		case a.Mode == "link":
			s.link += d
		case a.Mode == "build" && len(a.Cmd) > 0:
			s.compile += d
		}
	}
	s.load, s.rest = build-s.compile-s.link, took-s.goimports-build
	if build <= 0 || s.goimports <= 0 || s.link <= 0 || s.compile <= 0 || s.load < 0 || s.rest < 0 {
		return s, fmt.Errorf("latency: take a cell of %v apart: %+v does not add up:\n%s", took, s, times)
	}
	return s, nil
}
