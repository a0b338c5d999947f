package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// panel is the notebook that is in front; others stay in the page behind it.
const panel = `[...document.querySelectorAll(".jp-NotebookPanel")].find(e => e.offsetParent !== null)`

// cell is a place in the notebook in front, counted from 0.
type cell struct {
	b  *browser
	at int
}

// step runs f as a test of its own in the same page. A picture of its end is kept if one is wanted.
func (b *browser) step(name string, f func(b *browser)) {
	b.t.Run(name, func(t *testing.T) {
		inner := *b
		inner.t = t
		defer inner.endStep(name)
		began := time.Now()
		f(&inner)
		t.Logf("%.1f s", time.Since(began).Seconds())
	})
}

// endStep keeps the picture and, after a failure, frees the kernel for the steps to come.
func (b *browser) endStep(name string) {
	if *browserScreenshots != "" && !b.t.Failed() {
		b.screenshot(filepath.Join(*browserScreenshots, strings.ReplaceAll(name, " ", "-")+".png"))
	}
	var notebook bool
	if b.t.Failed() && chromedp.Run(b.ctx, chromedp.Evaluate(`!!(`+panel+`)`, &notebook)) == nil && notebook {
		b.press(kb.Escape)
		b.tool("notebook:interrupt-kernel")
	}
}

// add makes a cell at the end of the notebook, as a click below the last one does, and types code into it.
func (b *browser) add(code string) cell {
	b.t.Helper()
	var before int
	b.read("the number of cells", `(`+panel+`).querySelectorAll(".jp-Cell").length`, &before)
	b.press(kb.Escape) // an open list of completions takes the first click
	b.clickOn("below the last cell", `(`+panel+`).querySelector(".jp-Notebook-footer")`)
	c := cell{b, before}
	b.until("wait for the new cell", fmt.Sprintf(`(%s).querySelectorAll(".jp-Cell").length > %d`, panel, before))
	c.enter()
	b.do("type", input.InsertText(code))
	b.until("wait for the text", fmt.Sprintf(`%s.querySelector(".cm-content").innerText.length >= %d`, c.node(), len(strings.TrimSpace(code))/2))
	return c
}

// run adds a cell and runs it, and returns when its prompt has a number.
func (b *browser) run(code string) cell {
	b.t.Helper()
	c := b.add(code)
	c.start()
	c.wait()
	return c
}

// node is an expression for the cell's element.
func (c cell) node() string { return fmt.Sprintf(`(%s).querySelectorAll(".jp-Cell")[%d]`, panel, c.at) }

// enter puts the cursor at the end of the cell's text.
func (c cell) enter() {
	c.b.t.Helper()
	c.b.clickOn("into the cell", c.node()+`.querySelector(".cm-content")`)
	c.b.until("wait for the cursor", c.node()+`.querySelector(".cm-content").contains(document.activeElement)`)
	c.b.chord(input.ModifierCtrl, kb.End)
}

// start runs the cell as Ctrl+Enter does. It does not wait.
func (c cell) start() {
	c.b.t.Helper()
	c.b.chord(input.ModifierCtrl, kb.Enter)
	c.b.until("wait for the cell to start", `/\[[*0-9]+\]/.test(`+c.node()+`.querySelector(".jp-InputPrompt").textContent)`)
}

// wait returns when the cell's prompt has a number and the kernel is idle.
func (c cell) wait() {
	c.b.t.Helper()
	c.b.until("wait for the cell to end", `/\[[0-9]+\]/.test(`+c.node()+`.querySelector(".jp-InputPrompt").textContent) && `+status("idle"))
}

// prompt is "[3]:" or so.
func (c cell) prompt() string { return c.evaluate(`.querySelector(".jp-InputPrompt").textContent`) }

// output is the text of all that the cell showed.
func (c cell) output() string {
	return c.evaluate(`.querySelector(".jp-Cell-outputArea")?.innerText ?? ""`)
}

func (c cell) evaluate(rest string) (text string) {
	c.b.t.Helper()
	c.b.read("the cell", c.node()+rest, &text)
	return text
}

// shows fails for each text that the cell's output lacks.
func (c cell) shows(texts ...string) {
	c.b.t.Helper()
	output := c.output()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			c.b.t.Errorf("the cell lacks %q:\n%s", text, output)
		}
	}
}

// lacks fails for each text that the cell's output has.
func (c cell) lacks(texts ...string) {
	c.b.t.Helper()
	output := c.output()
	for _, text := range texts {
		if strings.Contains(output, text) {
			c.b.t.Errorf("the cell has %q:\n%s", text, output)
		}
	}
}

// untilShows waits for a JavaScript regular expression to match the cell's output.
func (c cell) untilShows(pattern string) {
	c.b.t.Helper()
	c.b.until("wait for "+pattern, pattern+`.test(`+c.node()+`.querySelector(".jp-Cell-outputArea").innerText)`)
}

// press types one key.
func (b *browser) press(key string) {
	b.t.Helper()
	b.do("press a key", chromedp.KeyEvent(key))
}

// chord types one key with a modifier held.
func (b *browser) chord(modifier input.Modifier, key string) {
	b.t.Helper()
	b.do("press a key", chromedp.KeyEvent(key, chromedp.KeyModifiers(modifier)))
}

// clickOn brings the element of an expression into view and clicks on its middle with the mouse.
func (b *browser) clickOn(what, expression string) {
	b.t.Helper()
	b.clickAt(what, expression, 0.5)
}

// clickAt is clickOn at a part of the element's width.
func (b *browser) clickAt(what, expression string, part float64) {
	b.t.Helper()
	var at struct{ X, Y float64 }
	// Figures that are being drawn move what is below them: it must stand still, and nothing may lie over it.
	b.do("find "+what, chromedp.Poll(fmt.Sprintf(`(() => {
		const e = %s;
		if (!e) return false;
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect(), x = r.x + %g * r.width, y = r.y + r.height / 2;
		const before = window.tlabAt;
		window.tlabAt = [x, y, r.width].join();
		return r.width > 0 && window.tlabAt === before && e.contains(document.elementFromPoint(x, y)) && {x, y};
	})()`, expression, part), &at, chromedp.WithPollingInterval(60*time.Millisecond), chromedp.WithPollingTimeout(0)))
	b.do("click "+what,
		chromedp.ActionFunc(func(ctx context.Context) error {
			// A menu's item takes a click only after the mouse came over it.
			return chromedp.MouseEvent(input.MouseMoved, at.X, at.Y).Do(ctx)
		}),
		chromedp.MouseClickXY(at.X, at.Y))
}

// menu chooses a menu's item by its command.
func (b *browser) menu(menu, command string) {
	b.t.Helper()
	b.clickOn("the menu "+menu, `[...document.querySelectorAll(".lm-MenuBar-itemLabel")].find(e => e.textContent === "`+menu+`")`)
	b.clickOn(command, `[...document.querySelectorAll('li[data-command="`+command+`"]')].find(e => e.offsetParent !== null)`)
}

// tool clicks a button of the notebook's toolbar.
func (b *browser) tool(command string) {
	b.t.Helper()
	b.clickOn(command, `(`+panel+`).querySelector('.jp-Toolbar [data-command="`+command+`"]')`)
}

// serve answers requests for a script of another site.
func (b *browser) serve(address string, script []byte) {
	b.t.Helper()
	chromedp.ListenTarget(b.ctx, func(event any) {
		if paused, is := event.(*fetch.EventRequestPaused); is {
			header := []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/javascript"}}
			answer := fetch.FulfillRequest(paused.RequestID, 200).WithResponseHeaders(header).WithBody(base64.StdEncoding.EncodeToString(script))
			go func() { _ = chromedp.Run(b.ctx, answer) }()
		}
	})
	b.do("answer for "+address, fetch.Enable().WithPatterns([]*fetch.RequestPattern{{URLPattern: address}}))
}

// quoted is s as JavaScript writes it.
func quoted(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return string(data)
}

func (b *browser) screenshot(file string) {
	b.t.Helper()
	var picture []byte
	b.do("take a picture", chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.t.Log("wrote", file)
}
