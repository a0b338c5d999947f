package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"transferlab/kernel/notebook"
	"transferlab/kernel/page"
)

// lecture is an executed notebook with what exports must cope with: counters, a long cell, a wide table, and outputs that ask another machine.
func lecture(t *testing.T, elsewhere string) *notebook.Notebook {
	t.Helper()
	book := counted(t)
	display := func(html string) *notebook.Output {
		return &notebook.Output{Kind: notebook.Display, Data: map[string]json.RawMessage{"text/html": json.RawMessage(quoted(html))}}
	}
	long := &notebook.Output{Kind: notebook.Stream, Name: "stdout", Text: strings.Repeat("a line of output\n", 70)}
	wide := &notebook.Output{Kind: notebook.Stream, Name: "stdout", Text: strings.Repeat(strings.Repeat("0123456789 ", 14)+"\n", 6)}
	nosy := fmt.Sprintf(`<img alt="elsewhere" src="%[1]s/p.png"><link rel="stylesheet" href="%[1]s/s.css"><script src="%[1]s/s.js"></script>
		<script>fetch("%[1]s/f")</script>`, elsewhere)
	book.Cells = append(book.Cells,
		&notebook.Cell{Kind: notebook.Markdown, Source: "## Long\n\nProse with [a link](https://example.org/paper).\n\n![picture](" + elsewhere + "/m.png)"},
		&notebook.Cell{Kind: notebook.Code, Source: "%%\nfmt.Println(long)", Count: 4, Outputs: []*notebook.Output{long}},
		&notebook.Cell{Kind: notebook.Markdown, Source: "## Wide"},
		&notebook.Cell{Kind: notebook.Code, Source: "%%\nfmt.Println(wide)", Count: 5, Outputs: []*notebook.Output{wide, display(nosy)}},
		&notebook.Cell{Kind: notebook.Markdown, Source: "## The end"})
	return book
}

// opened renders a form of the lecture and opens it. asked counts what reaches the machine that the notebook asks.
func opened(t *testing.T, form page.Form) (b *browser, asked *atomic.Int64) {
	t.Helper()
	program := chromium(t)
	asked = new(atomic.Int64)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	html, err := page.Render(lecture(t, elsewhere.URL), page.Options{Form: form})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "lecture.html")
	if err := os.WriteFile(file, html, 0o600); err != nil {
		t.Fatal(err)
	}
	b = newBrowser(t, program, 30*time.Second)
	b.do("open the page", chromedp.Navigate("file://"+file))
	return b, asked
}

// at fails unless the slide is shown whose text has the words.
func (b *browser) at(place, words string) {
	b.t.Helper()
	var now struct{ Place, Text string }
	b.read("the slide", `({
		Place: document.getElementById("place").textContent,
		Text: [...document.querySelectorAll(".slide")].filter(e => getComputedStyle(e).display !== "none").map(e => e.innerText).join("|"),
	})`, &now)
	if !strings.HasPrefix(now.Place, place+" /") || !strings.Contains(now.Text, words) {
		b.t.Errorf("at %s: %q; want slide %s with %q", now.Place, now.Text, place, words)
	}
}

// TestBrowserSlides leads through slides by the keyboard and the mouse.
func TestBrowserSlides(t *testing.T) {
	b, asked := opened(t, page.Slides)
	var slides int
	b.read("the number of slides", `document.querySelectorAll(".slide").length`, &slides)
	last := fmt.Sprint(slides)
	b.step("slides by keyboard", func(b *browser) {
		b.at("1", "Two counters.")
		b.press(kb.ArrowRight)
		b.at("2", "plots.Counter()")
		b.press(kb.End)
		b.at(last, "The end")
		b.press(kb.ArrowRight)
		b.at(last, "The end")
		b.press(kb.ArrowLeft)
		b.press(kb.Home)
		b.at("1", "Two counters.")
		b.press("?")
		b.until("look for the list of keys", `!document.getElementById("keys").hidden`)
		b.press(kb.Escape)
		b.until("look for the list to go", `document.getElementById("keys").hidden`)
	})
	b.step("slides in overview", func(b *browser) {
		b.press("o")
		b.until("wait for the overview", `document.body.classList.contains("overview") && [...document.querySelectorAll(".slide")].every(e => e.getBoundingClientRect().width > 50)`)
		b.press(kb.ArrowRight)
		b.press(kb.ArrowRight)
		b.press(kb.Enter)
		b.at("3", "VGG16")
		b.clickOn("the overview", `document.getElementById("overview")`)
		b.clickOn("the first slide", `document.querySelectorAll(".slide")[0]`)
		b.at("1", "Two counters.")
		b.clickOn("next", `document.querySelector('[data-go="1"]')`)
		b.at("2", "plots.Counter()")
	})
	b.step("counter on a slide", countsOnSlide)
	b.step("a long slide", func(b *browser) {
		var long int
		b.read("the long slide", `[...document.querySelectorAll(".slide")].findIndex(e => e.textContent.includes("a line of output")) + 1`, &long)
		b.do("go there by the address", chromedp.Evaluate(fmt.Sprintf(`location.hash = "#%d"`, long), nil))
		b.until("wait for the slide", fmt.Sprintf(`document.getElementById("place").textContent.startsWith("%d /")`, long))
		b.press(" ")
		b.until("wait until it scrolls", `document.querySelector(".slide.current").scrollTop > 50`)
		b.at(fmt.Sprint(long), "a line of output")
		b.press(kb.PageDown)
		b.at(fmt.Sprint(long+1), "Wide")
	})
	if n := asked.Load(); n > 0 {
		t.Errorf("the slides asked another machine %d times", n)
	}
}

// countsOnSlide uses a counter, which keeps its keys until Escape.
func countsOnSlide(b *browser) {
	c := b.counter(0)
	c.byMouse()
	c.click("the table", "tbody tr:nth-child(2) button.name", 0.5)
	b.press(kb.ArrowDown)
	b.at("2", "plots.Counter()")
	if at := c.focused(); at != "conv2" {
		b.t.Errorf("the arrow in the counter leads to %q", at)
	}
	b.press(kb.Escape)
	b.press(kb.ArrowRight)
	b.at("3", "VGG16")
}

// TestBrowserPage: the page for reading lets its counters live and asks nobody, whatever its outputs say.
func TestBrowserPage(t *testing.T) {
	b, asked := opened(t, page.HTML)
	b.counter(1)
	b.do("wait", chromedp.Sleep(300*time.Millisecond))
	if n := asked.Load(); n > 0 {
		t.Errorf("the page asked another machine %d times", n)
	}
}

// TestBrowserPrint prints the page for paper: nothing is wider than the paper or taller than a page, counters are tables, and nobody is asked.
func TestBrowserPrint(t *testing.T) {
	b, asked := opened(t, page.PDFReady)
	// 174 mm is what the margins leave of A4; a pixel is 1/96 inch.
	b.do("lay out as on paper", emulation.SetEmulatedMedia().WithMedia("print"), emulation.SetDeviceMetricsOverride(658, 1000, 1, false))
	var found struct {
		Wide             []string
		Tables, Counters int
		Smallest         float64
	}
	b.read("the page", `({
		Wide: [...document.querySelectorAll("main *")].filter(e => !e.closest("math") && e.getBoundingClientRect().right > 659).map(e => e.outerHTML.slice(0, 80)),
		Tables: document.querySelectorAll("table.count-table").length, Counters: document.querySelectorAll(":defined.tlab-counter").length,
		Smallest: Math.min(...[...document.querySelectorAll("pre, td, p")].map(e => parseFloat(getComputedStyle(e).fontSize))),
	})`, &found)
	if len(found.Wide) > 0 || found.Tables != 2 || found.Smallest < 6 {
		t.Errorf("wider than paper: %q; %d tables of counters; the smallest type is %.1f pixels", found.Wide, found.Tables, found.Smallest)
	}
	var pdf []byte
	b.do("print", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = cdppage.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if pages := strings.Count(string(pdf), "/Type /Page\n"); !strings.HasPrefix(string(pdf), "%PDF-") || pages < 3 {
		t.Errorf("%d bytes of PDF with %d pages", len(pdf), pages)
	}
	if *browserScreenshots != "" {
		if err := os.WriteFile(filepath.Join(*browserScreenshots, "print.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the page asked another machine %d times", n)
	}
}
