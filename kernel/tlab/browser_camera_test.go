package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"golang.org/x/image/draw"
)

// writeFilm writes five seconds of a cell of one crystal and five of one of many, moving a little as a hand does. The first are framed in white and
// the others in black, by which the test tells what the camera shows.
func writeFilm(t *testing.T, file string, cells map[string][]string) {
	t.Helper()
	var film bytes.Buffer
	for _, kind := range []string{"mono", "poly"} {
		cell := decoded(t, cells[kind][3])
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
	d.oneCamera(b)
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

// oneCamera switches the camera on with two presses, which must not open it twice: the second stream would never end. Then its cable is pulled.
func (d demoPage) oneCamera(b *browser) {
	b.do("count what is opened", chromedp.Evaluate(`(() => {
		const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
		window.opened = 0;
		navigator.mediaDevices.getUserMedia = options => (window.opened++, open(options));
		document.getElementById("camera").click();
		document.getElementById("camera").click();
	})()`, nil))
	on := `!document.getElementById("video").hidden && document.getElementById("video").srcObject !== null`
	b.until("wait for the camera", on)
	var opened int
	b.read("the cameras", `window.opened`, &opened)
	if opened != 1 {
		b.t.Errorf("two presses open the camera %d times", opened)
	}
	b.do("pull its cable", chromedp.Evaluate(`document.getElementById("video").srcObject.getVideoTracks()[0].dispatchEvent(new Event("ended"))`, nil))
	b.until("look for what the page says", `/The camera has gone/.test(document.getElementById("message").textContent) && document.getElementById("video").hidden &&
		document.getElementById("camera").getAttribute("aria-pressed") === "false"`)
	b.press("c")
	b.until("wait for the camera again", on)
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
