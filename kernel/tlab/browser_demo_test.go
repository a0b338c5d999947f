package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"golang.org/x/image/draw"

	"transferlab/datasets"
	"transferlab/kernel/setup"
)

// TestBrowserDemo does what a class does with `tlab demo`: first with files, then with a camera. The pictures are real solar cells, of one crystal
// and of many; the camera is chromium's own, which shows a film made of them.
//
//	go test ./kernel/tlab -run TestBrowserDemo -screenshots /tmp/steps
func TestBrowserDemo(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	if _, err := setup.Ensure(t.Context(), setup.ForRun, nil); err != nil {
		t.Fatal(err)
	}
	cells := cellsByKind(t)
	film := filepath.Join(t.TempDir(), "camera.mjpeg")
	writeFilm(t, film, cells)
	b := newBrowser(t, chromium, time.Minute, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film), chromedp.WindowSize(1600, 1000))
	asked := b.requests()
	demo := startDemo(t, "--fine-tune", "12s")
	began := time.Now()
	b.do("open the demo", chromedp.Navigate(demo.address))
	d := demoPage{b, demo, cells}
	b.step("demo opens", d.opens)
	b.step("demo names", d.names)
	b.step("demo files", func(b *browser) { demoPage{b, demo, cells}.files(began) })
	b.step("demo dark", d.dark)
	b.step("demo refuses", d.refuses)
	b.step("demo keyboard", d.keyboard)
	b.step("demo wide picture", d.wide)
	b.step("demo fine-tunes", d.fineTunes)
	b.step("demo reset", d.resets)
	b.step("demo camera", d.camera)
	b.step("demo engine dies", d.survives)
	b.step("demo narrow", d.narrow)
	for _, address := range asked() {
		if home, _, _ := strings.Cut(demo.address, "#"); !strings.HasPrefix(strings.TrimPrefix(address, "blob:"), home) {
			t.Errorf("the page asked for %s", address)
		}
	}
	demo.end()
}

// requests is a function that gives the addresses that the page has asked for.
func (b *browser) requests() func() []string {
	var mu sync.Mutex
	var all []string
	chromedp.ListenTarget(b.ctx, func(event any) {
		if sent, is := event.(*network.EventRequestWillBeSent); is {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, sent.Request.URL)
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// cellsByKind are the files of some real solar cells: of one crystal, and of many.
func cellsByKind(t *testing.T) map[string][]string {
	t.Helper()
	items, err := datasets.Open("elpv").Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for i := 0; i < len(items); i += 7 { // neighbours are of one module
		if item := items[i]; item.Probability == 0 && len(found[item.Kind]) < 20 {
			found[item.Kind] = append(found[item.Kind], item.File)
		}
	}
	if len(found["mono"]) < 20 || len(found["poly"]) < 20 {
		t.Fatalf("too few cells: %d, %d", len(found["mono"]), len(found["poly"]))
	}
	return found
}

func decoded(t *testing.T, file string) image.Image {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// demoPage is the page of a running demo.
type demoPage struct {
	*browser
	demo  *runningDemo
	cells map[string][]string
}

func (d demoPage) opens(b *browser) {
	b.until("wait for the classes", `document.querySelectorAll(".class").length === 2`)
	var address string
	b.read("the address", `location.href`, &address)
	if strings.Contains(address, "#") {
		b.t.Errorf("the token stays in the address bar: %s", address)
	}
	b.until("wait for the network", `document.getElementById("engine").textContent === "the network is ready"`)
}

// nameOf types a name into the nth class's field.
func (d demoPage) nameOf(b *browser, n int, name string) {
	b.t.Helper()
	b.clickOn("the name", fmt.Sprintf(`document.querySelectorAll(".class .name")[%d]`, n))
	b.chord(input.ModifierCtrl, "a")
	b.do("type", input.InsertText(name))
	b.press(kb.Enter)
}

// names gives a class a name that is a script, which must stay text wherever it is shown.
func (d demoPage) names(b *browser) {
	d.nameOf(b, 0, `<img src=x onerror="document.title='broken in'">`)
	b.until("wait for the name", `document.querySelector(".name").value.startsWith("<img")`)
	var images int
	b.read("the images", `document.querySelectorAll("img[src=x]").length`, &images)
	var title string
	b.read("the title", `document.title`, &title)
	if images != 0 || title != "A classifier of your own" {
		b.t.Errorf("the name came alive: %d images, title %q", images, title)
	}
	d.nameOf(b, 0, "mono")
	d.nameOf(b, 1, "poly")
	b.until("wait for the names", `[...document.querySelectorAll(".name")].map(e => e.value).join() === "mono,poly"`)
}

const trainingText = `document.getElementById("training").textContent`

// files goes from files to answers, and measures how long that takes.
func (d demoPage) files(began time.Time) {
	first := time.Now()
	for n, kind := range []string{"mono", "poly"} {
		d.do("choose files", chromedp.SetUploadFiles(fmt.Sprintf(`#classes .class:nth-child(%d) .file`, n+1), d.cells[kind][:12], chromedp.ByQuery))
	}
	d.until("wait for the pictures", `[...document.querySelectorAll(".thumbs img")].filter(i => i.complete && i.naturalWidth > 0).length === 24`)
	d.press("t")
	d.until("wait for the end of the training", `/trained in/.test(`+trainingText+`)`)
	var points int
	d.read("the curve", `document.querySelector("#accuracy .train").getAttribute("points").trim().split(" ").length`, &points)
	if points < 20 {
		d.t.Errorf("the curve has %d points", points)
	}
	right := 0
	for _, kind := range []string{"mono", "poly"} {
		for n, file := range d.cells[kind][12:] {
			name := fmt.Sprintf("%s %d.png", kind, n)
			d.drop("#view", file, name)
			// The answer to the picture before stays until this one has been read, and goes with its name.
			d.until("wait for an answer", `document.getElementById("still").alt === `+quoted(name)+
				` && document.querySelectorAll("#bars li").length === 2 && document.getElementById("verdict").textContent !== ""`)
			var verdict string
			d.read("the verdict", `document.getElementById("verdict").textContent`, &verdict)
			if strings.HasPrefix(verdict, kind) { // or "mono or poly?", the likelier first
				right++
			}
		}
	}
	var said string
	d.read("the text", trainingText, &said)
	d.t.Logf("%d of 16 right; %.1f s after the first picture; %.1f s after the page opened; %s", right, time.Since(first).Seconds(), time.Since(began).Seconds(), said)
	if right < 14 {
		d.t.Errorf("%d of 16 cells are told right, by their crystals", right)
	}
	if !strings.Contains(said, "From the first picture to the first prediction") {
		d.t.Errorf("the page says %q", said)
	}
	d.hasHeat(d.browser)
}

// hasHeat looks for a heat map that is not the same everywhere.
func (d demoPage) hasHeat(b *browser) {
	b.t.Helper()
	b.until("look for the heat map", `(() => {
		const map = document.getElementById("map");
		if (map.hidden || map.width !== 224) return false;
		const p = map.getContext("2d").getImageData(0, 0, 224, 224).data;
		let low = 255, high = 0;
		for (let i = 3; i < p.length; i += 4) { low = Math.min(low, p[i]); high = Math.max(high, p[i]); }
		return high > low + 50;
	})()`)
}

// drop drops a file on an element, or pastes it there where event is "paste".
func (b *browser) drop(selector, file, name string) {
	b.t.Helper()
	b.transfer("drop", selector, file, name)
}

func (b *browser) transfer(event, selector, file, name string) {
	b.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	script := fmt.Sprintf(`(() => {
		const bytes = Uint8Array.from(atob(%q), c => c.charCodeAt(0)), transfer = new DataTransfer();
		transfer.items.add(new File([bytes], %q, {type: "image/" + %q}));
		const options = {bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer};
		document.querySelector(%q).dispatchEvent(%q === "paste" ? new ClipboardEvent("paste", options) : new DragEvent("drop", options));
	})()`, base64.StdEncoding.EncodeToString(data), name, strings.TrimPrefix(filepath.Ext(name), "."), selector, event)
	b.do(event, chromedp.Evaluate(script, nil))
}

func (d demoPage) dark(b *browser) {
	var before, after string
	b.read("the paper", `getComputedStyle(document.body).backgroundColor`, &before)
	b.press("d")
	b.read("the paper", `getComputedStyle(document.body).backgroundColor`, &after)
	if before == after {
		b.t.Errorf("dark and light are both %s", after)
	}
}

// refuses gives the page what it cannot read.
func (d demoPage) refuses(b *browser) {
	file := filepath.Join(b.t.TempDir(), "IMG_1.HEIC")
	if err := os.WriteFile(file, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.drop(".class", file, "<b>IMG_1</b>.HEIC")
	b.until("wait for the message", `/<b>IMG_1<\/b>.HEIC: This is a HEIC picture, as iPhones make them/.test(document.getElementById("message").textContent)`)
	// A pasted picture goes to the class in use.
	b.transfer("paste", ".class", d.cells["mono"][13], "pasted.png")
	b.until("wait for the pasted picture", `document.querySelector(".count").textContent === "13 pictures"`)
	b.until("wait to hear of it", `/There are changes since/.test(`+trainingText+`)`)
}

// keyboard removes a picture: Tab leads to one of each class, arrows to the others, and the focus stays among them.
func (d demoPage) keyboard(b *browser) {
	b.do("put the focus on a picture", chromedp.Evaluate(`document.querySelector('.thumbs img[tabindex="0"]').focus()`, nil))
	b.press(kb.ArrowLeft)
	b.press(kb.Delete)
	b.until("wait until it is gone", `document.querySelector(".count").textContent === "12 pictures"`)
	var at struct {
		Stops int
		Focus string
	}
	b.read("the focus", `({stops: document.querySelectorAll('.thumbs img[tabindex="0"]').length, focus: document.activeElement.getAttribute("role")})`, &at)
	if at.Stops != 2 || at.Focus != "button" {
		b.t.Errorf("%d pictures of two classes can be reached by Tab; the focus is on %q", at.Stops, at.Focus)
	}
}

// wide holds up a picture that is no square: its map covers it, and not what is beside it.
func (d demoPage) wide(b *browser) {
	strip := filepath.Join(b.t.TempDir(), "wide.jpg")
	picture := image.NewRGBA(image.Rect(0, 0, 600, 300))
	for n, kind := range []string{"mono", "poly"} {
		draw.BiLinear.Scale(picture, image.Rect(300*n, 0, 300*n+300, 300), decoded(b.t, d.cells[kind][3]), image.Rect(0, 0, 300, 300), draw.Src, nil)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, picture, nil); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(strip, data.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.drop("#view", strip, "wide.jpeg")
	b.until("wait for its map", `document.getElementById("map").width === 224 && document.getElementById("map").height === 112`)
	b.press(kb.Escape)
}

// fineTunes trains the last blocks behind the head, and looks at the curve while it grows.
func (d demoPage) fineTunes(b *browser) {
	b.press("f")
	b.press("t")
	b.until("wait for an epoch", `/^fine-tune, epoch \d+ of \d+/.test(`+trainingText+`)`)
	b.until("wait for the end", `/trained in/.test(`+trainingText+`)`)
	var phases, said string
	b.read("the phases", `[...document.querySelectorAll("#loss text")].map(e => e.textContent).join(" ")`, &phases)
	b.read("the text", trainingText, &said)
	b.t.Log(said)
	if !strings.Contains(phases, "fine-tune") {
		b.t.Errorf("the curve is labelled %s", phases)
	}
	b.press("f")
}

func (d demoPage) resets(b *browser) {
	b.press("r")
	b.until("wait for the empty table", `document.querySelectorAll(".thumbs img").length === 0 && document.querySelectorAll("#bars li").length === 0 &&
		[...document.querySelectorAll(".name")].map(e => e.value).join() === "class 1,class 2"`)
	if left, _ := filepath.Glob(filepath.Join(d.demo.temp, "*", "pictures", "*", "*", "*")); len(left) > 0 {
		b.t.Errorf("after a reset there are %q", left)
	}
}

// narrow is the page on a telephone's width, where nothing may stick out.
func (d demoPage) narrow(b *browser) {
	b.do("make it narrow", emulation.SetDeviceMetricsOverride(420, 900, 1, false))
	b.until("look for what sticks out", `document.documentElement.scrollWidth <= 420`)
}
