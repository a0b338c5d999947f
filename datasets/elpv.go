package datasets

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"transferlab/datasets/fetch"
)

// elpvNotice is what the licence of ELPV asks to be told, and whom its authors ask to cite.
const elpvNotice = `ELPV, photographs of solar cells: CC BY-NC-SA 4.0 (with credit, not for commercial use, alike); ` +
	`cite Buerhop-Lutz et al. 2018, Deitsch et al. 2019 and 2021.`

// elpvClasses are named by the label that probability ≥ 0.5 gives.
var elpvClasses = []string{"functional", "defective"}

// openELPV reads labels.csv of the ELPV data set: 2,624 electroluminescence photographs of solar cells, 300×300 grey, each with the
// probability of a defect (Buerhop-Lutz et al. 2018). Label 1, "defective", is probability ≥ 0.5. dir is a folder that holds
// labels.csv and images/; "" fetches the published package.
func openELPV(ctx context.Context, dir string) (source, error) {
	if dir == "" {
		unpacked, err := fetch.Unpacked(ctx, fetch.ELPV, reporter(ctx))
		if err != nil {
			return source{}, fmt.Errorf("datasets: open %q: %w", "elpv", err)
		}
		tellOnce(ctx, "elpv", elpvNotice)
		dir = filepath.Join(unpacked, "elpv_dataset", "data")
	}
	list := filepath.Join(dir, "labels.csv")
	file, err := os.Open(list)
	if err != nil {
		return source{}, fmt.Errorf("datasets: open %q: %w; the folder must hold labels.csv and images/", "elpv", err)
	}
	defer file.Close()
	items, err := readELPV(file, dir)
	if err != nil {
		return source{}, fmt.Errorf("datasets: open %q: %s: %w", "elpv", list, err)
	}
	return source{items: items, classes: elpvClasses, content: fileContent}, nil
}

// readELPV parses lines of a file's name, the probability and the kind of crystal, parted by blanks.
func readELPV(r io.Reader, dir string) ([]Item, error) {
	var items []Item
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d has %d fields instead of 3: image, probability, mono or poly", n, len(fields))
		}
		probability, err := strconv.ParseFloat(fields[1], 64)
		if err != nil || !(probability >= 0 && probability <= 1) {
			return nil, fmt.Errorf("line %d: the probability %q is no number from 0 to 1", n, fields[1])
		}
		if !filepath.IsLocal(filepath.FromSlash(fields[0])) {
			return nil, fmt.Errorf("line %d: the image %q lies outside of the data set", n, fields[0])
		}
		if !slices.Contains([]string{"mono", "poly"}, fields[2]) {
			return nil, fmt.Errorf("line %d: the kind %q is neither mono nor poly", n, fields[2])
		}
		label := 0
		if probability >= 0.5 {
			label = 1
		}
		items = append(items, Item{ID: fields[0], File: filepath.Join(dir, filepath.FromSlash(fields[0])), Row: len(items),
			Label: label, Probability: probability, Kind: fields[2]})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("no row is in it")
	}
	return items, nil
}
