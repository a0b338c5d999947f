package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
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

// writeFilm writes five seconds of a cell of one crystal and five of one of many, moving a little as a hand does. The first are framed in white and
// the others in black, by which the test tells what the camera shows.
func writeFilm(t *testing.T, file string, cells map[string][]string) {
	t.Helper()
	var film bytes.Buffer
	for _, kind := range []string{"mono", "poly"} {
		data, err := os.ReadFile(cells[kind][3])
		if err != nil {
			t.Fatal(err)
		}
		cell, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		frame := map[string]*image.Uniform{"mono": image.White, "poly": image.Black}[kind]
		var second bytes.Buffer
		for n := range 30 {
			picture := image.NewRGBA(image.Rect(0, 0, 640, 480))
			draw.Draw(picture, picture.Bounds(), frame, image.Point{}, draw.Src)
			at := image.Pt(120+n, 40+n/2)
			draw.BiLinear.Scale(picture, image.Rectangle{at, at.Add(image.Pt(360, 360))}, cell, cell.Bounds(), draw.Src, nil)
			if err := jpeg.Encode(&second, picture, nil); err != nil {
				t.Fatal(err)
			}
		}
		film.Write(bytes.Repeat(second.Bytes(), 5))
	}
	if err := os.WriteFile(file, film.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runningDemo is `tlab demo`, by this test's own program.
type runningDemo struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	temp    string
	ended   bool
}

func startDemo(t *testing.T, args ...string) *runningDemo {
	t.Helper()
	temp, err := os.MkdirTemp("/tmp", "demo-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &runningDemo{t: t, temp: temp, cmd: exec.Command(os.Args[0], append([]string{"demo", "--no-browser"}, args...)...)}
	d.cmd.Env = append(os.Environ(), mainVariable+"="+temp, "TMPDIR="+temp)
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.end)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if d.address = regexp.MustCompile(`http://\S+`).FindString(lines.Text()); d.address != "" {
			go func() {
				for lines.Scan() { // so that it never blocks on a full pipe
				}
			}()
			return d
		}
	}
	t.Fatal("tlab demo printed no address")
	return nil
}

// end ends it as Ctrl-C does, and looks for what it leaves.
func (d *runningDemo) end() {
	if d.ended {
		return
	}
	d.ended = true
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("tlab demo ended with %v", err)
	}
	d.gone()
}

// gone fails where files or processes are left after some seconds.
func (d *runningDemo) gone() {
	var left, processes []string
	for range 100 {
		left, _ = filepath.Glob(filepath.Join(d.temp, "tlab-demo-*"))
		if processes = carriers(mainVariable + "=" + d.temp); len(left) == 0 && len(processes) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(left) > 0 || len(processes) > 0 {
		d.t.Errorf("left behind: %q, %q", left, processes)
	}
	os.RemoveAll(d.temp)
}

// engine is the process id of the demo's engine, 0 without one.
func (d *runningDemo) engine() int {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, _ := os.ReadFile(path)
		if strings.Contains(string(line), "\x00engine\x00--socket\x00"+d.temp+"/") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return pid
		}
	}
	return 0
}

// A demo that is killed leaves nothing either: its guard cleans up.
func TestDemoIsKilled(t *testing.T) {
	if _, err := setup.Ensure(t.Context(), setup.ForRun, nil); err != nil {
		t.Fatal(err)
	}
	d := startDemo(t)
	if found, _ := filepath.Glob(filepath.Join(d.temp, "tlab-demo-*", "pictures")); len(found) != 1 {
		t.Fatalf("its folder: %q", found)
	}
	d.ended = true
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait() // says that it was killed
	d.gone()
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
		for _, file := range d.cells[kind][12:] {
			d.drop("#view", file, "picture.png")
			d.until("wait for an answer", `document.querySelectorAll("#bars li").length === 2 && document.getElementById("verdict").textContent !== ""`)
			var verdict string
			d.read("the verdict", `document.getElementById("verdict").textContent`, &verdict)
			if verdict == kind {
				right++
			}
		}
	}
	var said string
	d.read("the text", trainingText, &said)
	d.t.Logf("%d of 16 right; %.1f s after the first picture; %.1f s after the page opened; %s", right, time.Since(first).Seconds(), time.Since(began).Seconds(), said)
	if right < 13 {
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

// shows is an expression: does the camera show the cell in the frame of that brightness?
func shows(white bool) string {
	return fmt.Sprintf(`(() => {
		const video = document.getElementById("video"), canvas = new OffscreenCanvas(2, 2), c = canvas.getContext("2d");
		if (!(video.videoWidth > 0)) return false;
		c.drawImage(video, 0, 0, 30, 30, 0, 0, 2, 2);
		return (c.getImageData(0, 0, 1, 1).data[0] > 128) === %v;
	})()`, white)
}

// camera takes bursts of what the film shows, trains on them, and looks whether the answer follows the film.
func (d demoPage) camera(b *browser) {
	d.nameOf(b, 0, "one crystal")
	d.nameOf(b, 1, "many crystals")
	b.press("c")
	for n, white := range []bool{true, false} {
		b.until("wait for the other side of the film", shows(!white))
		b.until("wait for the film", shows(white))
		key := string(rune('1' + n))
		hold := func(kind input.KeyType) chromedp.Action {
			return chromedp.ActionFunc(func(ctx context.Context) error {
				return input.DispatchKeyEvent(kind).WithKey(key).WithText(key).Do(ctx)
			})
		}
		b.do("hold the key", hold(input.KeyDown))
		b.until("look for the burst", fmt.Sprintf(`document.querySelectorAll(".class")[%d].querySelectorAll(".thumbs img").length >= 6`, n))
		b.do("let go of the key", hold(input.KeyUp))
	}
	b.press("t")
	b.until("wait for the end of the training", `/trained in/.test(`+trainingText+`)`)
	for range 2 {
		for _, c := range []struct {
			white bool
			name  string
		}{{true, "one crystal"}, {false, "many crystals"}} {
			b.until("wait until the answer follows", shows(c.white)+` && document.getElementById("verdict").textContent === `+quoted(c.name))
		}
	}
	d.hasHeat(b)
	b.until("look for the speed", `/pictures a second/.test(document.getElementById("speed").textContent)`)
	var speed string
	b.read("the speed", `document.getElementById("speed").textContent`, &speed)
	b.t.Log(speed)
}

// survives kills the engine: the page says so, and answers again when another is there.
func (d demoPage) survives(b *browser) {
	pid := d.demo.engine()
	if pid == 0 {
		b.t.Fatal("the demo has no engine")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	b.until("wait to hear of it", `/The engine was killed/.test(document.getElementById("message").textContent)`)
	b.until("wait for another", `document.getElementById("engine").textContent === "the network is ready"`)
	b.do("forget the answer", chromedp.Evaluate(`document.getElementById("verdict").textContent = ""`, nil))
	b.until("wait for an answer", `/crystal/.test(document.getElementById("verdict").textContent)`)
}

// narrow is the page on a telephone's width, where nothing may stick out.
func (d demoPage) narrow(b *browser) {
	b.do("make it narrow", emulation.SetDeviceMetricsOverride(420, 900, 1, false))
	b.until("look for what sticks out", `document.documentElement.scrollWidth <= 420`)
}
