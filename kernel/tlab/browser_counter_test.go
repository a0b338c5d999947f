package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"transferlab/kernel/notebook"
	"transferlab/kernel/page"
	"transferlab/plots/counter"
	"transferlab/tl/count"
)

// counting is a notebook with two counters.
func counting() *notebook.Notebook {
	return &notebook.Notebook{
		Metadata: json.RawMessage(`{"kernelspec":{"display_name":"Go (Transfer Learning Lab)","language":"go","name":"tlab"}}`),
		Cells: []*notebook.Cell{
			{Kind: notebook.Markdown, Source: "# Counting\n\nTwo counters."},
			{Kind: notebook.Code, Source: "import (\n\t\"transferlab/plots\"\n\t\"transferlab/tl/count\"\n)"},
			{Kind: notebook.Code, Source: "%%\nplots.Show(plots.Counter())"},
			{Kind: notebook.Code, Source: "%%\nplots.Show(plots.Counter(count.VGG16(2)))"},
		}}
}

// counted is the same notebook after a run elsewhere: with outputs, which this JupyterLab does not trust.
func counted(t *testing.T) *notebook.Notebook {
	t.Helper()
	book := counting()
	for i, architecture := range map[int]count.Architecture{2: count.LectureCNN(4), 3: count.VGG16(2)} {
		html, err := counter.HTML(architecture)
		if err != nil {
			t.Fatal(err)
		}
		book.Cells[i].Count = i
		book.Cells[i].Outputs = []*notebook.Output{{Kind: notebook.Display, Data: map[string]json.RawMessage{"text/html": json.RawMessage(quoted(html))}}}
	}
	return book
}

// counterAt is a counter in the page: an expression for its shadow tree.
type counterAt struct {
	b    *browser
	root string
}

// counter is the i-th counter of the notebook in front, or of a page.
func (b *browser) counter(i int) counterAt {
	b.t.Helper()
	c := counterAt{b, fmt.Sprintf(`(((%s) ?? document).querySelectorAll(".%s")[%d]?.shadowRoot)`, panel, counter.Class, i)}
	b.until("wait for the counter", c.root+`?.querySelector(".total")?.textContent`)
	return c
}

// click clicks on the middle of what a selector finds in the counter, or on another part of its width.
func (c counterAt) click(what, selector string, part float64) {
	c.b.t.Helper()
	var at struct{ X, Y float64 }
	c.b.do("find "+what, chromedp.Poll(fmt.Sprintf(`(() => {
		const root = %s, e = root.querySelector(%s);
		if (!e) return false;
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect(), x = r.x + %g * r.width, y = r.y + r.height / 2;
		const before = window.tlabAt;
		window.tlabAt = [x, y, r.width].join();
		return r.width > 0 && window.tlabAt === before && e.contains(root.elementFromPoint(x, y)) && {x, y};
	})()`, c.root, quoted(selector), part), &at, chromedp.WithPollingInterval(60*time.Millisecond), chromedp.WithPollingTimeout(0)))
	c.b.do("click "+what, chromedp.MouseClickXY(at.X, at.Y))
}

// text is the text of what a selector finds.
func (c counterAt) text(selector string) (text string) {
	c.b.t.Helper()
	c.b.read(selector, fmt.Sprintf(`%s.querySelector(%s)?.textContent ?? ""`, c.root, quoted(selector)), &text)
	return text
}

// focused describes what has the keyboard: its name for a screen reader, or its text.
func (c counterAt) focused() (text string) {
	c.b.t.Helper()
	c.b.read("the focus", fmt.Sprintf(`(e => e ? e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent : "")(%s.activeElement)`, c.root), &text)
	return text
}

// shows fails unless the total is that of Go for the network.
func (c counterAt) shows(input []int, layers ...count.Layer) {
	c.b.t.Helper()
	table, err := count.Network(input, layers...)
	if err != nil {
		c.b.t.Fatal(err)
	}
	want := strings.TrimSuffix(c.text("tfoot .sum"), "\n")
	if got := table.Sum(); got != want {
		c.b.t.Errorf("the counter shows %q, Go counts %q", want, got)
	}
}

// value reads a field.
func (c counterAt) value(key string) (n int) {
	c.b.t.Helper()
	c.b.read(key, fmt.Sprintf(`Number(%s.querySelector(%s).value)`, c.root, quoted(`[data-key="`+key+`"]`)), &n)
	return n
}

// byMouse chooses a layer in the drawing, drags a slider, unticks the bias, removes a layer and takes that back.
func (c counterAt) byMouse() {
	c.b.t.Helper()
	first, hidden, classes := count.Conv{Filters: 8, Kernel: 3}, count.Dense{Units: 512}, count.Dense{Units: 4}
	second := count.Conv{Filters: 16, Kernel: 5, Stride: 2}
	image := []int{32, 32, 3}
	c.shows(image, first, second, count.Flatten{}, hidden, classes)
	c.click("the second convolution", "svg g:nth-child(3)", 0.5)
	if title := c.text(".panel h3"); !strings.Contains(title, "Layer 2: convolution") {
		c.b.t.Errorf("the panel says %q", title)
	}
	c.click("the slider of filters", `[data-key="filters slider"]`, 0.6)
	if second.Filters = c.value("filters"); second.Filters < 25 || second.Filters > 55 {
		c.b.t.Errorf("a click in the slider gives %d filters", second.Filters)
	}
	c.shows(image, first, second, count.Flatten{}, hidden, classes)
	c.click("the bias", `[data-key="noBias"]`, 0.5)
	second.NoBias = true
	c.shows(image, first, second, count.Flatten{}, hidden, classes)
	c.click("the name of the last layer", "tbody tr:nth-child(6) button.name", 0.5)
	c.click("remove", `[aria-label="remove the layer"]`, 0.5)
	c.shows(image, first, second, count.Flatten{}, hidden)
	c.click("undo", ".bar button", 0.5)
	c.shows(image, first, second, count.Flatten{}, hidden, classes)
	c.click("flatten", "tbody tr:nth-child(4) button.name", 0.5)
	c.click("remove", `[aria-label="remove the layer"]`, 0.5)
	if wrong := c.text(".wrong"); !strings.Contains(wrong, `layer 3: dense "hidden": input [16 16 `) {
		c.b.t.Errorf("without flatten the counter says %q", wrong)
	}
	c.click("reset", ".bar button:last-child", 0.5)
	c.shows(image, first, count.Conv{Filters: 16, Kernel: 5, Stride: 2}, count.Flatten{}, hidden, classes)
}

// byKeyboard does all without a mouse: fields in their order, the table's keys, a layer added and moved.
func (c counterAt) byKeyboard() {
	b := c.b
	b.t.Helper()
	b.do("put the focus on the list of networks", chromedp.Evaluate(c.root+`.querySelector("select").focus()`, nil))
	var order []string
	for range 10 {
		order = append(order, strings.TrimSpace(c.focused()))
		b.press(kb.Tab)
	}
	want := []string{"Network", "Reset", "The network drawn", "name of the layer", "filters", "filters", "kernel", "kernel", "stride", "stride"}
	if !slices.Equal(order, want) {
		b.t.Errorf("Tab goes through %q, want %q", order, want)
	}
	b.do("put the focus on the kernel", chromedp.Evaluate(c.root+`.querySelector('[data-key="kernel slider"]').focus()`, nil))
	b.press(kb.ArrowRight)
	b.press(kb.ArrowRight)
	second, hidden, classes, image := count.Conv{Filters: 16, Kernel: 5, Stride: 2}, count.Dense{Units: 512}, count.Dense{Units: 4}, []int{32, 32, 3}
	c.shows(image, count.Conv{Filters: 8, Kernel: 5}, second, count.Flatten{}, hidden, classes)
	b.press(kb.Tab)
	b.chord(input.ModifierCtrl, "a")
	b.do("type", input.InsertText("1.5"))
	if wrong := c.text(".wrong"); wrong != "kernel: a whole number is wanted" {
		b.t.Errorf("after a kernel of 1.5 the counter says %q", wrong)
	}
	b.chord(input.ModifierCtrl, "a")
	b.do("type", input.InsertText("7"))
	c.shows(image, count.Conv{Filters: 8, Kernel: 7}, second, count.Flatten{}, hidden, classes)
	b.do("put the focus on the table", chromedp.Evaluate(c.root+`.querySelector('tbody [aria-current="true"]').focus()`, nil))
	b.press(kb.ArrowDown)
	if at := c.focused(); at != "conv2" {
		b.t.Errorf("the arrow leads to %q", at)
	}
	b.chord(input.ModifierAlt, kb.ArrowUp)
	c.shows(image, second, count.Conv{Filters: 8, Kernel: 7}, count.Flatten{}, hidden, classes)
	b.press(kb.End)
	b.press(kb.Delete)
	c.shows(image, second, count.Conv{Filters: 8, Kernel: 7}, count.Flatten{}, hidden)
	for _, key := range []string{"d", "d", "a", "x"} { // JupyterLab deletes, adds and cuts cells with them
		b.press(key)
	}
	if at := c.focused(); at != "hidden" {
		b.t.Errorf("after letters the focus is on %q", at)
	}
	b.until("wait for what a screen reader says", c.root+`.querySelector("[aria-live]").textContent.includes(`+c.root+`.querySelector(".total").textContent.split(" ")[0])`)
}

// pace measures n changes of a slider by the keyboard, from the key to the painted picture, in milliseconds.
func (c counterAt) pace(key string, n int) (median, slowest float64) {
	c.b.t.Helper()
	c.b.do("measure", chromedp.Evaluate(fmt.Sprintf(`(root => {
		window.tlabTimes = [];
		root.querySelector(%s).focus();
		root.addEventListener("input", e => requestAnimationFrame(() => {
			const painted = new MessageChannel();
			painted.port1.onmessage = () => window.tlabTimes.push(performance.now() - e.timeStamp);
			painted.port2.postMessage(0);
		}), true);
	})(%s)`, quoted(`[data-key="`+key+`"]`), c.root), nil))
	var times []float64
	for i := range n { // the next key waits for the picture of the one before, as a reader's hand does
		c.b.press([]string{kb.ArrowRight, kb.ArrowRight, kb.ArrowLeft}[i%3])
		c.b.do("wait for the picture", chromedp.Poll(fmt.Sprintf("window.tlabTimes.length > %d && window.tlabTimes", i), &times,
			chromedp.WithPollingInterval(5*time.Millisecond), chromedp.WithPollingTimeout(0)))
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)-1]
}

// work is the milliseconds that a change keeps the page busy, layout included: the median of 20.
func (c counterAt) work(key string) (median float64) {
	c.b.t.Helper()
	c.b.read("the work of a change", fmt.Sprintf(`(root => {
		const slider = root.querySelector(%s), times = [];
		for (let i = 0; i < 20; i++) {
			const began = performance.now();
			slider.value = Number(slider.value) + (i %% 2 ? -1 : 1);
			slider.dispatchEvent(new Event("input"));
			root.querySelector(".counter").getBoundingClientRect();
			times.push(performance.now() - began);
		}
		return times.sort((a, b) => a - b)[10];
	})(%s)`, quoted(`[data-key="`+key+`"]`), c.root), &median)
	return median
}

// keepsPace holds changes against what a reader feels as at once, in the small network and in one with all its blocks open.
func (c counterAt) keepsPace(what, key string) {
	c.b.t.Helper()
	median, slowest := c.pace(key, 30)
	c.b.t.Logf("%s: a change is painted after %.1f ms (median of 30), at most %.1f ms; %.1f ms of work", what, median, slowest, c.work(key))
	if median > 50 {
		c.b.t.Errorf("%s: a change takes %.0f ms, want less than 50", what, median)
	}
}

// openBlocks opens all blocks and chooses the first layer inside.
func (c counterAt) openBlocks() {
	c.b.t.Helper()
	c.b.do("open all blocks", chromedp.Evaluate(fmt.Sprintf(`(root => {
		for (let closed; (closed = [...root.querySelectorAll("button.toggle")].find(e => e.textContent === "▸"));) closed.click();
		root.querySelector("tbody tr:nth-child(3) button.name").click();
	})(%s)`, c.root), nil))
}

// edges does what is seldom done: a pool's stride that follows its window until it is set, one step of undo for a padding that sets two fields, and an
// input that cannot be.
func (c counterAt) edges() {
	c.b.t.Helper()
	var got struct{ Follows, Pool, Set, Explicit, Undone, Wrong, Large, Drawn string }
	c.b.read("the edges", fmt.Sprintf(`(root => {
		const set = (field, v) => {
			const e = root.querySelector(field);
			e.value = v;
			e.dispatchEvent(new Event(e.tagName === "SELECT" ? "change" : "input"));
		};
		const choose = name => [...root.querySelectorAll("tbody button.name")].find(e => e.textContent === name).click();
		const text = part => root.querySelector(part).textContent;
		const got = {};
		set(".bar select", 1); // LeNet-5
		choose("s2");
		set('[data-key="size"]', 3);
		got.follows = root.querySelector('[data-key="stride"]').value;
		got.pool = text(".numbers");
		set('[data-key="stride"]', 2);
		got.set = text(".numbers");
		choose("c1");
		set('[data-key="padding"]', 2);
		got.explicit = root.querySelector('[data-key="border"]').value + text(".wrong");
		root.querySelector(".bar button").click();
		got.undone = root.querySelector('[data-key="padding"]').value + text(".wrong");
		choose("input");
		set('[data-key="height"]', -3);
		got.wrong = text(".wrong");
		got.drawn = String(root.querySelector(".drawing").innerHTML.includes("NaN"));
		set('[data-key="height"]', 2 ** 53);
		got.large = text(".wrong");
		set(".bar select", 0);
		return got;
	})(%s)`, c.root), &got)
	want := got
	want.Follows, want.Pool, want.Set = "3", "28×28×6 → 10×10×6", "28×28×6 → 14×14×6"
	want.Explicit, want.Undone, want.Drawn = "2", "0", "false"
	want.Wrong, want.Large = "network: input [-3 28 1], want lengths of at least 1", "height: the number is too large"
	if got != want {
		c.b.t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestBrowserCounterInPage uses the counters of an exported page, which no kernel stands behind.
func TestBrowserCounterInPage(t *testing.T) {
	program := chromium(t)
	html, err := page.Render(counted(t), page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "counting.html")
	if err := os.WriteFile(file, html, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, program, 30*time.Second)
	inside := b.watchRequests()
	b.do("open the page", chromedp.Navigate("file://"+file))
	first, second := b.counter(0), b.counter(1)
	b.step("counter by mouse in a page", func(b *browser) { first.on(b).byMouse() })
	b.step("counter by keyboard in a page", func(b *browser) { first.on(b).byKeyboard() })
	b.step("counter's pace in a page", func(b *browser) {
		first.on(b).keepsPace("the lecture's network", "units slider")
		second.on(b).openBlocks()
		second.on(b).keepsPace("VGG16, all blocks open", "filters slider")
	})
	b.step("counter's edges in a page", func(b *browser) { first.on(b).edges() })
	if total := second.text(".total"); !strings.Contains(total, " parameters") {
		t.Errorf("the second counter says %q", total)
	}
	b.step("counter in the dark", func(b *browser) {
		b.do("prefer dark", emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}), chromedp.Reload())
		dark := b.counter(0)
		b.until("look for dark", dark.root+`.host.hasAttribute("dark")`)
	})
	inside()
}

// on is the same counter for a step's own test.
func (c counterAt) on(b *browser) counterAt { return counterAt{b, c.root} }

// TestBrowserCounter uses counters in JupyterLab, where scripts of trusted outputs run and the page's keys are JupyterLab's.
func TestBrowserCounter(t *testing.T) {
	books := map[string][]byte{}
	for name, book := range map[string]*notebook.Notebook{"counting.ipynb": counting(), "elsewhere.ipynb": counted(t)} {
		data, err := book.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		books[name] = data
	}
	b, end := labWith(t, time.Minute, t.TempDir(), books)
	b.open("counting.ipynb")
	b.runAll()
	first, second := b.counter(0), b.counter(1)
	b.step("counter by mouse", func(b *browser) { first.on(b).byMouse() })
	b.step("counter by keyboard", func(b *browser) {
		first.on(b).byKeyboard()
		var cells int
		b.read("the number of cells", `(`+panel+`).querySelectorAll(".jp-Cell").length`, &cells)
		if cells != 4 {
			b.t.Errorf("the notebook has %d cells after keys that were the counter's", cells)
		}
	})
	b.step("counter's pace", func(b *browser) {
		first.on(b).keepsPace("the lecture's network", "units slider")
		second.on(b).openBlocks()
		second.on(b).keepsPace("VGG16, all blocks open", "filters slider")
	})
	b.step("counter's Go", func(b *browser) {
		c := second.on(b)
		c.click("the network in Go", "details.go summary", 0.05)
		b.until("wait for the code", c.root+`.querySelector("details.go code").textContent.includes("count.Network(")`)
		b.run("%%\ntable, err := " + c.text("details.go code") + "\nfmt.Println(table.Sum(), err)").shows(strings.TrimSpace(c.text("tfoot .sum")) + " <nil>")
	})
	b.step("counter without trust", func(b *browser) {
		b.open("elsewhere.ipynb")
		b.until("wait for the table", `(`+panel+`).querySelectorAll(".jp-OutputArea-output table").length === 2`)
		var text string
		b.read("the outputs", `[...(`+panel+`).querySelectorAll(".jp-OutputArea-output")].map(e => e.innerText).join("\n")`, &text)
		for _, want := range []string{"8 × (3×3×3) + 8 = 224", "2,103,156", "134,268,738"} {
			if !strings.Contains(text, want) {
				b.t.Errorf("the table lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "customElements") {
			b.t.Error("the script is shown as text")
		}
	})
	end()
}
