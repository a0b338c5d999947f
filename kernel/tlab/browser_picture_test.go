package main

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"transferlab/datasets"
	"transferlab/kernel/setup"
)

// TestDemoPicture takes the README's picture of the demo: real solar cells, sound and broken, and one that it has not seen held up.
//
//	go test ./kernel/tlab -run TestDemoPicture -screenshots ../demo
func TestDemoPicture(t *testing.T) {
	if *browserScreenshots == "" {
		t.Skip("no -screenshots")
	}
	if _, err := setup.Ensure(t.Context(), setup.ForRun, nil); err != nil {
		t.Fatal(err)
	}
	cells := cellsByState(t, 17)
	b := newBrowser(t, chromium(t), time.Minute)
	demo := startDemo(t)
	b.do("open the demo", emulation.SetDeviceMetricsOverride(1200, 740, 1, false), chromedp.Navigate(demo.address))
	d := demoPage{b, demo, cells}
	d.opens(b)
	for n, name := range []string{"sound", "broken"} {
		d.nameOf(b, n, name)
		b.do("choose files", chromedp.SetUploadFiles(fmt.Sprintf(`#classes .class:nth-child(%d) .file`, n+1), cells[name][:16], chromedp.ByQuery))
	}
	b.until("wait for the pictures", `[...document.querySelectorAll(".thumbs img")].filter(i => i.complete && i.naturalWidth > 0).length === 32`)
	b.press("t")
	b.until("wait for the end of the training", `/trained in/.test(`+trainingText+`)`)
	for _, name := range []string{"sound", "broken"} { // the first answer takes longer than all others
		b.drop("#view", cells[name][16], "cell.png")
		b.until("wait for the answer", `document.getElementById("verdict").textContent === `+quoted(name))
		d.hasHeat(b)
	}
	var picture []byte
	b.do("take the picture", chromedp.Evaluate(`document.activeElement.blur()`, nil), chromedp.CaptureScreenshot(&picture))
	shown, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, shown); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*browserScreenshots, "demo.png"), small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kB", small.Len()/1000)
	demo.end()
}

// cellsByState are n files of cells of one crystal that experts found sound, and of such that they found broken.
func cellsByState(t *testing.T, n int) map[string][]string {
	t.Helper()
	items, err := datasets.Open("elpv").Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for i := 0; i < len(items); i += 7 { // neighbours are of one module
		item := items[i]
		name := map[float64]string{0: "sound", 1: "broken"}[math.Round(100*item.Probability)/100]
		if name != "" && item.Kind == "mono" && len(found[name]) < n {
			found[name] = append(found[name], item.File)
		}
	}
	if len(found["sound"]) < n || len(found["broken"]) < n {
		t.Fatalf("too few cells: %d, %d", len(found["sound"]), len(found["broken"]))
	}
	return found
}
