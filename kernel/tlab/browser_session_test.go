package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/janpfeifer/gonb/gonbui/plotly"

	"transferlab/datasets/fetch"
)

// session opens three notebooks: one that runs from end to end, one that fails in the middle, and an empty one, whose cells are typed.
// mark is in the environment of all that JupyterLab starts.
func (b *browser) session(mark string) {
	b.open("browser.ipynb")
	b.step("run all", runsAll)
	b.step("restart", func(b *browser) { restarts(b, mark) })
	b.open("queue.ipynb")
	b.step("queue", abortsTheQueue)
	b.open("session.ipynb")
	b.step("completion", completes)
	b.step("inspection", inspects)
	b.step("pager", func(b *browser) {
		b.run("fmt.Println?").shows("func fmt.Println(a ...any)", "Println formats using the default formats")
	})
	b.step("result", showsResults)
	b.step("compile error", marksErrors)
	b.step("panic", explainsPanics)
	b.step("progress", showsProgress)
	b.step("stop", stops)
	b.step("clear output", clearsOutput)
	b.step("update", updates)
	b.step("input", asks)
	b.step("widgets", hasWidgets)
	b.step("wasm", runsInTheBrowser)
	b.step("plotly", drawsWithPlotly)
	b.step("reload", survivesReload)
}

func runsAll(b *browser) {
	b.runAll()
	var page string
	b.read("the page", `(`+panel+`).querySelector(".jp-Notebook").textContent`, &page)
	for _, text := range []string{"twice: 42", "epoch 19", "parameters", "The formula"} {
		if !strings.Contains(page, text) {
			b.t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
	if alt := b.lastFigure(); !strings.Contains(alt, "last figure") {
		b.t.Errorf("last figure is %q", alt)
	}
	var size struct{ Width, Height float64 }
	b.read("the figure's size", `[...(`+panel+`).querySelectorAll(".jp-OutputArea-output img")].at(-1).getBoundingClientRect().toJSON()`, &size)
	if size.Width < 200 || size.Height < 150 {
		b.t.Errorf("the figure takes %.0f by %.0f pixels", size.Width, size.Height)
	}
}

// restarts chooses Kernel ▸ Restart Kernel and Run All Cells: the cells count from one again, and nothing of the old kernel is left.
func restarts(b *browser, mark string) {
	ofKernel := func() (found []string) {
		for _, line := range carriers(mark) {
			if strings.Contains(line, "tlab-kernel-") { // the folder of one kernel
				found = append(found, line)
			}
		}
		return found
	}
	old := ofKernel()
	if len(old) < 3 {
		b.t.Fatalf("the kernel has processes %q; GoNB, the engine and the guard were expected", old)
	}
	second := cell{b, 2}
	second.enter()
	second.start()
	second.wait()
	if second.prompt() != "[5]:" {
		b.t.Errorf("a cell run after four has the prompt %s", second.prompt())
	}
	var before string
	b.read("the prompts", prompts, &before)
	b.menu("Kernel", "runmenu:restart-and-run-all")
	b.clickOn("Restart", `document.querySelector(".jp-Dialog .jp-mod-accept")`)
	b.allRan(before)
	var after string
	b.read("the prompts", prompts, &after)
	if after != "[1]: [2]: [3]: [4]:" {
		b.t.Errorf("after the restart the prompts are %s", after)
	}
	if alt := b.lastFigure(); !strings.Contains(alt, "last figure") {
		b.t.Errorf("after the restart the last figure is %q", alt)
	}
	now := ofKernel()
	for deadline := time.Now().Add(10 * time.Second); slices.ContainsFunc(now, func(l string) bool { return slices.Contains(old, l) }); now = ofKernel() {
		if time.Now().After(deadline) {
			b.t.Fatalf("of the old kernel's %q there is still %q", old, now)
		}
		b.do("wait", chromedp.Sleep(50*time.Millisecond))
	}
}

func abortsTheQueue(b *browser) {
	b.runAll()
	var after string
	b.read("the prompts", prompts, &after)
	if after != "[1]: [2]: [ ]: [ ]:" {
		b.t.Errorf("after a failure in the second of four cells the prompts are %s", after)
	}
	cell{b, 1}.shows("in the middle")
	for _, at := range []int{2, 3} {
		if output := (cell{b, at}).output(); output != "" {
			b.t.Errorf("cell %d ran after an error: %s", at, output)
		}
	}
}

// completes presses Tab behind the beginning of names.
func completes(b *browser) {
	const list = `[...document.querySelectorAll(".jp-Completer-item")].filter(e => e.offsetParent !== null).map(e => e.textContent).join(" ")`
	for _, c := range []struct{ typed, want string }{{"fmt.Pr", "Println"}, {"%%\nb := tl.Lo", "Load"}, {"%en", "%engine"}} {
		b.add(c.typed)
		b.press(kb.Tab)
		b.until("wait for completions of "+c.typed, list+` !== ""`)
		var found string
		b.read("the completions", list, &found)
		if !strings.Contains(found, c.want) {
			b.t.Errorf("%q is completed by %s, not by %s", c.typed, found, c.want)
		}
	}
}

// inspects presses Shift+Tab on a name.
func inspects(b *browser) {
	b.add("%%\nfmt.Sprintf")
	b.chord(input.ModifierShift, kb.Tab)
	b.until("wait for the tooltip", `/func fmt.Sprintf\(format string, .*formats according to/s.test(document.querySelector(".jp-Tooltip")?.textContent)`)
}

func showsResults(b *browser) {
	c := b.run("6*7")
	c.shows("42")
	if out := c.evaluate(`.querySelector(".jp-OutputPrompt")?.textContent ?? ""`); out == "" || out != c.prompt() {
		b.t.Errorf("Out is %q, In is %q", out, c.prompt())
	}
	b.until("wait for the status bar", `/\| Idle/.test(document.querySelector("#jp-main-statusbar").textContent)`)
}

// red is an expression behind a cell's: has it an error, on red?
const red = `.querySelector('[data-mime-type="application/vnd.jupyter.stderr"]') !== null`

func marksErrors(b *browser) {
	c := b.run("%%\nn := 1\nfmt.Println(n, m)")
	c.shows("undefined: m", "line 3", "→ 3 │ fmt.Println(n, m)")
	b.until("look for red", c.node()+red)
}

func explainsPanics(b *browser) {
	c := b.run("%%\nnumbers := []int{1, 2}\nk := 5\nfmt.Println(numbers[k])")
	c.shows("index out of range [5] with length 2", "line 4", "→ 4 │ fmt.Println(numbers[k])")
	c.lacks("goroutine", "exit status", "main.go", "tlab-kernel")
	b.until("look for red", c.node()+red)
}

// showsProgress looks several times at a verb that takes long, and ends it.
func showsProgress(b *browser) {
	// Images that no run before has represented: what the engine keeps on disk would be there at once.
	c := b.add("%%\nimages := datasets.Shapes(5000, time.Now().UnixNano())\ntl.Must(tl.Load(\"efficientnet_lite0\").Represent(context.Background(), images))")
	c.start()
	b.until("look for busy", status("busy"))
	last := ""
	for range 4 {
		c.untilShows(`/\d+\/\d+ .*images\/s .* left/`)
		b.until("wait for progress", c.node()+`.querySelector(".jp-Cell-outputArea").innerText.trim() !== `+quoted(last))
		last = strings.TrimSpace(c.output())
		b.t.Log(last)
		if strings.Contains(last, "\n") {
			b.t.Errorf("progress takes several lines: %q", last)
		}
	}
	b.tool("notebook:interrupt-kernel")
	c.wait()
}

// stops presses the stop button while a model is trained.
func stops(b *browser) {
	c := b.add(`%%
m := tl.Load("efficientnet_lite0").WithHead("stopped", tl.Dense(3))
tl.Must(m.Fit(context.Background(), datasets.Shapes(60, 1), datasets.Dataset{}, tl.Phase{Name: "long", Epochs: 100000, LearningRate: 1e-3}))`)
	c.start()
	c.untilShows(`/epoch 3\//`)
	pressed := time.Now()
	b.tool("notebook:interrupt-kernel")
	c.wait()
	if took := time.Since(pressed); took > 10*time.Second {
		b.t.Errorf("the cell stopped %s after the button was pressed", took)
	}
	c.untilShows(`/fit "stopped": stopped in epoch \d+; model as of epoch \d+/`)
	c.shows("Interrupt")
	b.run("1+1").shows("2")
}

func clearsOutput(b *browser) {
	c := b.run("%%\nfmt.Println(\"gone\")\nplots.Clear(false)\nfmt.Println(\"stays\")")
	c.shows("stays")
	c.lacks("gone")
}

// updates shows one id twice in each of two runs: the second run has an output of its own.
func updates(b *browser) {
	c := b.run("import \"github.com/janpfeifer/gonb/gonbui\"\n%%\ngonbui.UpdateHtml(\"same\", \"<b>one</b>\")\ngonbui.UpdateHtml(\"same\", \"<b>two</b>\")")
	c.shows("two")
	c.lacks("one")
	b.run("%%\ngonbui.UpdateHtml(\"same\", \"<b>three</b>\")\ngonbui.UpdateHtml(\"same\", \"<b>four</b>\")").shows("four")
	c.shows("two")
}

// asks types into the box of a shell command.
func asks(b *browser) {
	c := b.add("%with_inputs\n!read -p \"name? \" n; echo hello $n")
	c.start()
	b.clickOn("the box", c.node()+`.querySelector(".jp-Stdin-input")`)
	b.do("type", input.InsertText("gopher"))
	b.press(kb.Enter)
	c.wait()
	c.shows("hello gopher")
}

// hasWidgets moves a slider of a running cell and presses its button.
func hasWidgets(b *browser) {
	c := b.add(`import "github.com/janpfeifer/gonb/gonbui/widgets"
%%
slider := widgets.Slider(0, 100, 50).Done()
button := widgets.Button("enough").Done()
moves, clicks := slider.Listen().LatestOnly(), button.Listen()
fmt.Println("ready")
for {
	select {
	case v := <-moves.C:
		fmt.Println("slider at", v)
	case <-clicks.C:
		fmt.Println("in the end at", slider.Value())
		return
	}
}`)
	c.start()
	c.untilShows(`/ready/`)
	b.clickAt("the slider", c.node()+`.querySelector("input[type=range]")`, 0.25)
	c.untilShows(`/slider at (1|2|3)\d/`)
	b.clickOn("the button", c.node()+`.querySelector("button[id^=gonb_button]")`)
	c.wait()
	c.untilShows(`/in the end at (1|2|3)\d/`)
	b.until("look for GoNB's script, which it takes back", `!`+c.node()+`.querySelector(".jp-Cell-outputArea").innerHTML.includes("_connect_to_gonb")`)
}

// runsInTheBrowser runs a cell that was compiled to WebAssembly.
func runsInTheBrowser(b *browser) {
	c := b.run(`%wasm
import (
	"runtime"
	"syscall/js"
)
%%
here := js.Global().Get("document").Call("getElementById", GonbWasmDivId)
here.Set("innerHTML", "Go on <b>"+runtime.GOOS+"/"+runtime.GOARCH+"</b>")`)
	c.untilShows(`/Go on js\/wasm/`)
	b.run("runtime.GOOS").shows(runtime.GOOS)
}

// plotlyJS holds Plotly.js 2.34.0, which GoNB's package plotly loads from its publisher: not where there is no network.
var plotlyJS = fetch.File{
	Name:    "plotly-5.23.0-py3-none-any.whl",
	Package: "plotly",
	Version: "5.23.0",
	Size:    17326571,
	SHA256:  "76cbe78f75eddc10c56f5a4ee3e7ccaade7c0a57465546f02098c0caed6c2d1a",
	Licence: "MIT (LICENSE.txt is in the wheel)",
}

// drawsWithPlotly shows a chart of GoNB's package plotly.
func drawsWithPlotly(b *browser) {
	wheel, err := fetch.Unpacked(b.t.Context(), plotlyJS, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(wheel, "plotly", "package_data", "plotly.min.js"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.serve(plotly.PlotlySrc, script)
	c := b.run(`import (
	"github.com/janpfeifer/gonb/gonbui/plotly"
	grob "github.com/MetalBlueberry/go-plotly/generated/v2.34.0/graph_objects"
	ptypes "github.com/MetalBlueberry/go-plotly/pkg/types"
)
%%
plotly.DisplayFig(&grob.Fig{
	Data:   []ptypes.Trace{&grob.Bar{X: ptypes.DataArray([]int{1, 2, 3}), Y: ptypes.DataArray([]int{2, 3, 1})}},
	Layout: &grob.Layout{Title: &grob.LayoutTitle{Text: "Three bars"}},
})`)
	b.until("wait for the chart", c.node()+`.querySelector(".js-plotly-plot svg.main-svg")?.getBoundingClientRect().width > 300 &&
		`+c.node()+`.querySelectorAll(".barlayer .point").length === 3`)
	c.untilShows(`/Three bars/`)
}

// survivesReload loads the page anew while a cell runs: the new page says that the kernel is busy, can stop the cell, and goes on.
func survivesReload(b *browser) {
	c := b.add("%%\ntime.Sleep(time.Hour)")
	b.chord(input.ModifierCtrl, "s")
	b.until("wait for the notebook to be saved", `document.querySelector("#jp-main-dock-panel .lm-mod-current.jp-mod-dirty") === null`)
	c.enter()
	c.start()
	b.until("look for busy", status("busy"))
	b.do("load the page again", chromedp.Reload())
	b.until("wait for the notebook", `(`+panel+`)?.querySelectorAll(".jp-Cell").length === `+strconv.Itoa(c.at+1))
	b.until("look for busy", status("busy"))
	b.tool("notebook:interrupt-kernel")
	b.until("look for idle", status("idle"))
	b.run("7*6").shows("42")
}
