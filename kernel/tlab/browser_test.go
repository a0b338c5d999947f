package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"transferlab/kernel/setup"
)

// To see a lesson in the browser:
//
//	go test ./kernel/tlab -run TestBrowser -timeout 30m -notebook notebooks/07-fine-tuning.ipynb -screenshot lesson.png
var (
	browserNotebook   = flag.String("notebook", "", "notebook, relative to the module, that TestBrowser runs; its last cell with output must show a figure")
	browserScreenshot = flag.String("screenshot", "", "file, relative to the module, for a picture of the end of the page")
)

// TestBrowser opens JupyterLab as `tlab lab` does, in a real browser, chooses Run All, and looks for the last figure.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	lab, err := setup.Ensure(t.Context(), setup.ForLab, func(_, total int64, what string) {
		if total == 0 {
			t.Log(what)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	notebook, patience := *browserNotebook, 20*time.Minute
	if notebook == "" {
		notebook, patience = filepath.Join("kernel", "tlab", "testdata", "browser", "browser.ipynb"), time.Minute
	}
	// JupyterLab saves what it runs: it gets a copy.
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join(lab.Module, notebook))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(notebook)
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	address, end := startLab(t, lab, filepath.Join(dir, name), "TLAB_MARK="+tmp)
	b := newBrowser(t, chromium, patience)
	b.open(address)
	b.runAll()
	alt := b.lastFigure()
	t.Logf("last figure: %s", alt)
	if *browserScreenshot != "" {
		file := *browserScreenshot
		if !filepath.IsAbs(file) {
			file = filepath.Join(lab.Module, file)
		}
		b.screenshot(file)
	}
	if *browserNotebook == "" {
		b.shows("twice: 42", "epoch 19", "parameters", "The formula")
		if !strings.Contains(alt, "last figure") {
			t.Errorf("last figure is %q", alt)
		}
	}
	end()
	if left := carriers("TLAB_MARK=" + tmp); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// startLab runs `tlab lab` and returns its address and a function that ends it as Ctrl-C does.
func startLab(t *testing.T, lab *setup.Lab, notebook, mark string) (address string, end func()) {
	t.Helper()
	cmd := exec.Command(lab.Program("tlab"), "lab", "--no-browser", "--port", "8931", notebook)
	cmd.Env = append(os.Environ(), mark)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ended bool
	end = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("tlab lab ended with %v", err)
		}
	}
	t.Cleanup(end)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := regexp.MustCompile(`http://\S+`).FindString(lines.Text()); found != "" {
			go func() {
				for lines.Scan() { // so that it never blocks on a full pipe
				}
			}()
			return found, end
		}
	}
	t.Fatal("tlab lab printed no address")
	return "", nil
}

// browser is a headless chromium with one page.
type browser struct {
	t        *testing.T
	ctx      context.Context
	patience time.Duration // for one step
}

func newBrowser(t *testing.T, chromium string, patience time.Duration) *browser {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.WindowSize(1400, 1000))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // chromium refuses to run as root with its sandbox
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	// It complains of events that are newer than itself.
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	return &browser{t, ctx, patience}
}

// do runs actions; a failure leaves a picture of the page.
func (b *browser) do(what string, actions ...chromedp.Action) {
	b.t.Helper()
	if chromedp.FromContext(b.ctx).Target == nil {
		if err := chromedp.Run(b.ctx); err != nil { // starts the browser, which would otherwise end with the first step
			b.t.Fatalf("browser: start: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		file := filepath.Join(os.TempDir(), "tlab-browser-failure.png")
		var picture []byte
		if chromedp.Run(b.ctx, chromedp.CaptureScreenshot(&picture)) == nil && os.WriteFile(file, picture, 0o600) == nil {
			what += " (see " + file + ")"
		}
		b.t.Fatalf("browser: %s: %v", what, err)
	}
}

// until polls a JavaScript expression until it is truthy.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	b.do(what, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(200*time.Millisecond), chromedp.WithPollingTimeout(0)))
}

func (b *browser) open(address string) {
	b.t.Helper()
	b.do("open the notebook", chromedp.Navigate(address))
	b.until("wait for the notebook", `document.querySelector(".jp-Notebook .jp-CodeCell") !== null`)
	b.until("wait for the kernel", `/Go \(Transfer/.test(document.querySelector(".jp-Toolbar-kernelName")?.textContent ?? "") && `+status("idle"))
}

// status is an expression: does the notebook show the kernel in this state?
func status(state string) string {
	return `document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "` + state + `"`
}

// runAll chooses Run ▸ Run All Cells and waits until the kernel has worked and is idle.
func (b *browser) runAll() {
	b.t.Helper()
	var at struct{ X, Y float64 }
	b.do("choose Run All",
		chromedp.Click(`//div[contains(@class,"lm-MenuBar-itemLabel") and text()="Run"]`, chromedp.BySearch),
		chromedp.Poll(`[...document.querySelectorAll('li[data-command="runmenu:run-all"]')].map(e => e.getBoundingClientRect().toJSON()).find(r => r.width > 0)`, &at),
		chromedp.ActionFunc(func(ctx context.Context) error {
			// A menu's item takes a click only after the mouse came over it.
			return chromedp.MouseEvent(input.MouseMoved, at.X+20, at.Y+10).Do(ctx)
		}),
		chromedp.ActionFunc(func(ctx context.Context) error { return chromedp.MouseClickXY(at.X+20, at.Y+10).Do(ctx) }))
	b.until("wait for the kernel to work", status("busy"))
	// Between two cells the kernel is idle for a moment.
	b.until("wait for the last cell", `(() => {
		if (!(`+status("idle")+`)) { window.tlabIdleSince = 0; return false }
		window.tlabIdleSince ||= Date.now();
		return Date.now() - window.tlabIdleSince > 2000;
	})()`)
}

// lastFigure scrolls to the end and returns the description of the last picture.
func (b *browser) lastFigure() string {
	b.t.Helper()
	var alt string
	b.do("find the last figure",
		chromedp.Poll(`(() => {
			const all = document.querySelectorAll(".jp-OutputArea-output img");
			const scroller = document.querySelector(".jp-WindowedPanel-outer");
			if (all.length === 0) { scroller?.scrollTo(0, scroller.scrollHeight); return false }
			const last = all[all.length - 1];
			last.scrollIntoView();
			return last.complete && last.naturalWidth > 0 && last.alt;
		})()`, &alt, chromedp.WithPollingInterval(200*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second)))
	return alt
}

// shows fails for each text that the page does not hold.
func (b *browser) shows(texts ...string) {
	b.t.Helper()
	var page string
	b.do("read the page", chromedp.Evaluate(`document.querySelector(".jp-Notebook").textContent`, &page))
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
}

func (b *browser) screenshot(file string) {
	b.t.Helper()
	var picture []byte
	b.do("take a picture", chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
	fmt.Println("wrote", file)
}
