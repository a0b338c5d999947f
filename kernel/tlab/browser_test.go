package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"transferlab/kernel/setup"
)

// To see a lesson in the browser, or what the steps of the test look like:
//
//	go test ./kernel/tlab -run TestBrowser -timeout 30m -notebook notebooks/07-fine-tuning.ipynb -screenshot lesson.png
//	go test ./kernel/tlab -run TestBrowser -screenshots /tmp/steps
var (
	browserNotebook    = flag.String("notebook", "", "notebook, relative to the module, that TestBrowser runs instead of its own; its last cell with output must show a figure")
	browserScreenshot  = flag.String("screenshot", "", "file, relative to the module, for a picture of the end of that notebook")
	browserScreenshots = flag.String("screenshots", "", "folder for a picture of each step of TestBrowser")
)

// TestBrowser sits a user down at JupyterLab, as `tlab lab` starts it, in a real browser.
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
	// JupyterLab saves what it runs: it gets copies.
	dir, own := t.TempDir(), filepath.Join(lab.Module, "kernel", "tlab", "testdata", "browser")
	if err := os.CopyFS(dir, os.DirFS(own)); err != nil {
		t.Fatal(err)
	}
	lesson, patience := "", 2*time.Minute
	if *browserNotebook != "" {
		lesson, patience = filepath.Base(*browserNotebook), 20*time.Minute
		data, err := os.ReadFile(filepath.Join(lab.Module, *browserNotebook))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, lesson), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mark := "TLAB_MARK=" + t.TempDir()
	address, end := startLab(t, lab, dir, mark)
	b := newBrowser(t, chromium, patience)
	b.do("open JupyterLab", chromedp.Navigate(address+"&reset")) // without the notebooks of another day
	if lesson != "" {
		b.lesson(lesson, lab.Module)
	} else {
		b.session(mark)
	}
	end()
	if left := carriers(mark); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// lesson runs a whole notebook and looks for its last figure.
func (b *browser) lesson(name, module string) {
	b.open(name)
	b.runAll()
	b.t.Logf("last figure: %s", b.lastFigure())
	if *browserScreenshot != "" {
		file := *browserScreenshot
		if !filepath.IsAbs(file) {
			file = filepath.Join(module, file)
		}
		b.screenshot(file)
	}
}

// startLab runs `tlab lab` and returns its address and a function that ends it as Ctrl-C does.
func startLab(t *testing.T, lab *setup.Lab, folder, mark string) (address string, end func()) {
	t.Helper()
	cmd := exec.Command(lab.Program("tlab"), "lab", "--no-browser", "--port", "8931", folder)
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
	console  *pageLog      // what the page says to developers
}

// pageLog is written by one goroutine and read by another.
type pageLog struct {
	sync.Mutex
	logTail
}

func newBrowser(t *testing.T, chromium string, patience time.Duration, more ...chromedp.ExecAllocatorOption) *browser {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.WindowSize(1400, 1000))
	options = append(options, more...)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // chromium refuses to run as root with its sandbox
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	// It complains of events that are newer than itself.
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	b := &browser{t, ctx, patience, &pageLog{}}
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *page.EventJavascriptDialogOpening: // whether to leave a page with changes
			go func() { _ = chromedp.Run(ctx, page.HandleJavaScriptDialog(true)) }()
		case *runtime.EventConsoleAPICalled:
			b.console.Lock()
			defer b.console.Unlock()
			for _, a := range event.Args {
				fmt.Fprintln(&b.console.logTail, string(a.Value), a.Description)
			}
		}
	})
	return b
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
		file := filepath.Join(cmp.Or(*browserScreenshots, os.TempDir()), "failed-"+path.Base(b.t.Name())+".png")
		var picture []byte
		if chromedp.Run(b.ctx, chromedp.CaptureScreenshot(&picture)) == nil && os.WriteFile(file, picture, 0o600) == nil {
			what += " (see " + file + ")"
		}
		b.console.Lock()
		defer b.console.Unlock()
		b.t.Fatalf("browser: %s: %v\nthe page's console: %s", what, err, &b.console.logTail)
	}
}

// until polls a JavaScript expression until it is truthy.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	b.do(what, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
}

// read evaluates a JavaScript expression.
func (b *browser) read(what, expression string, into any) {
	b.t.Helper()
	b.do("read "+what, chromedp.Evaluate(expression, into))
}

// open opens a notebook by a double click in the list of files.
func (b *browser) open(name string) {
	b.t.Helper()
	b.clickOn(name, `document.querySelector('.jp-DirListing-item[title^="Name: `+name+`"]')`)
	b.press(kb.Enter)
	b.until("wait for the notebook", `document.querySelector(".lm-TabBar-tab.lm-mod-current[data-id]") !== null && (`+panel+`)?.querySelector(".jp-CodeCell") && (`+panel+`).id ===
		[...document.querySelectorAll("#jp-main-dock-panel .lm-TabBar-tab")].find(e => e.textContent.includes("`+name+`"))?.dataset.id`)
	b.until("wait for the kernel", `/Go \(Transfer/.test((`+panel+`).querySelector(".jp-Toolbar-kernelName")?.textContent ?? "") && `+status("idle"))
}

// status is an expression: does the notebook in front show the kernel in this state?
func status(state string) string {
	return `((` + panel + `).querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "` + state + `")`
}

// prompts is an expression for the prompts of all cells of code.
const prompts = `[...(` + panel + `).querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(e => e.textContent).join(" ")`

// runAll chooses Run ▸ Run All Cells and waits until the last cell is over.
func (b *browser) runAll() {
	b.t.Helper()
	var before string
	b.read("the prompts", prompts, &before)
	b.menu("Run", "runmenu:run-all")
	b.allRan(before)
}

// allRan waits for the end of cells that had other prompts before.
func (b *browser) allRan(before string) {
	b.t.Helper()
	b.until("wait for the last cell", fmt.Sprintf(`(p => p !== %q && !p.includes("*") && %s)(%s)`, before, status("idle"), prompts))
}

// lastFigure scrolls to the last picture and returns its description.
func (b *browser) lastFigure() string {
	b.t.Helper()
	var alt string
	b.do("find the last figure", chromedp.Poll(`(() => {
		const last = [...(`+panel+`).querySelectorAll(".jp-OutputArea-output img")].at(-1);
		last?.scrollIntoView();
		return last?.complete && last.naturalWidth > 0 && last.alt;
	})()`, &alt, chromedp.WithPollingInterval(200*time.Millisecond), chromedp.WithPollingTimeout(30*time.Second)))
	return alt
}
