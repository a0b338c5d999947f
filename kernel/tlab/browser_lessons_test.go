package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
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
			b, end := labWith(t, 15*time.Minute, map[string][]byte{name: data})
			b.lessonRuns(name)
			end()
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
	var found struct {
		Cells, Unnumbered, Failed, Figures, Undescribed int
		Trouble                                         string
	}
	b.read("the lesson", `(notebook => {
		const code = [...notebook.querySelectorAll(".jp-CodeCell")].filter(c => c.querySelector(".cm-content")?.innerText.trim() || c.querySelector(".jp-OutputArea-child"));
		const figures = [...notebook.querySelectorAll(".jp-OutputArea-output img")];
		const failed = [...notebook.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]')];
		return {
			Cells: code.length,
			Unnumbered: code.filter(c => !/\[\d+\]/.test(c.querySelector(".jp-InputPrompt").textContent)).length,
			Failed: failed.length, Trouble: failed.map(e => e.innerText).join("\n"),
			Figures: figures.length, Undescribed: figures.filter(e => !e.alt || e.complete && e.naturalWidth === 0).length,
		};
	})(`+panel+`)`, &found)
	b.t.Logf("%s: %d cells with code in %.0f s, %d figures", name, found.Cells, took.Seconds(), found.Figures)
	if found.Cells < 5 || found.Unnumbered > 0 || found.Failed > 0 {
		b.t.Errorf("%d cells, %d did not run, %d failed: %s", found.Cells, found.Unnumbered, found.Failed, found.Trouble)
	}
	if found.Figures < 1 || found.Undescribed > 0 {
		b.t.Errorf("%d figures, %d of them without a picture or a description", found.Figures, found.Undescribed)
	}
	b.t.Logf("last figure: %s", b.lastFigure())
	if *browserScreenshots != "" {
		b.screenshot(filepath.Join(*browserScreenshots, strings.TrimSuffix(name, ".ipynb")+".png"))
	}
}
