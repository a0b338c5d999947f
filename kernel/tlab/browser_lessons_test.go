package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"

	"transferlab/kernel/notebook"
)

// To run all lessons in the browser, which takes some minutes, and keep pictures:
//
//	go test ./kernel/tlab -run TestBrowserLessons -lessons all -timeout 40m -screenshots /tmp/lessons
var browserLessons = flag.String("lessons", "02", "which lessons TestBrowserLessons runs: their numbers with commas between them, or all")

// TestBrowserLessons opens lessons in JupyterLab and runs all their cells: none fails, figures are there and have descriptions, and the page asks
// nothing outside this machine.
func TestBrowserLessons(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "notebooks", "[0-9][0-9]-*.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".executed.ipynb") })
	wanted := strings.Split(*browserLessons, ",")
	var ran []string
	for _, file := range files {
		name := filepath.Base(file)
		if *browserLessons != "all" && !slices.Contains(wanted, name[:2]) {
			continue
		}
		ran = append(ran, name[:2])
		t.Run(strings.TrimSuffix(name, ".ipynb"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			b, end := labWith(t, 15*time.Minute, dir, map[string][]byte{name: data})
			b.lessonRuns(name)
			end()
			saved, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			ranWell(t, saved)
		})
	}
	for _, number := range wanted {
		if *browserLessons != "all" && number != "" && !slices.Contains(ran, number) {
			t.Errorf("there is no lesson %s in notebooks/", number)
		}
	}
}

func (b *browser) lessonRuns(name string) {
	b.t.Helper()
	b.open(name)
	began := time.Now()
	b.runAll()
	took := time.Since(began)
	b.t.Logf("%s took %.0f s; last figure: %s", name, took.Seconds(), b.lastFigure())
	if *browserScreenshots != "" {
		b.screenshot(filepath.Join(*browserScreenshots, strings.TrimSuffix(name, ".ipynb")+".png"))
	}
	b.chord(input.ModifierCtrl, "s")
	b.until("wait for the notebook to be saved", `document.querySelector("#jp-main-dock-panel .lm-mod-current.jp-mod-dirty") === null`)
}

var anImage = regexp.MustCompile(`<img[^>]*>`)

// ranWell looks at what JupyterLab saved: every cell ran, none failed, and each figure says what it shows.
func ranWell(t *testing.T, saved []byte) {
	t.Helper()
	book, err := notebook.Parse(saved)
	if err != nil {
		t.Fatal(err)
	}
	cells, figures := 0, 0
	for i, c := range book.Cells {
		if c.Kind != notebook.Code || strings.TrimSpace(c.Source) == "" {
			continue
		}
		cells++
		if c.Count == 0 {
			t.Errorf("cell %d did not run", i+1)
		}
		for _, o := range c.Outputs {
			if o.Kind == notebook.Error {
				t.Errorf("cell %d failed: %s: %s", i+1, o.ErrName, o.ErrValue)
			}
			for _, image := range anImage.FindAllString(o.DataText("text/html"), -1) {
				figures++
				if !strings.Contains(image, ` alt="`) || strings.Contains(image, ` alt=""`) {
					t.Errorf("cell %d: a figure without a description", i+1)
				}
			}
		}
	}
	t.Logf("%d cells, %d figures", cells, figures)
	if cells < 5 || figures < 1 {
		t.Errorf("%d cells with code and %d figures", cells, figures)
	}
}
