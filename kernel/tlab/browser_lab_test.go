package main

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"transferlab/kernel/setup"
)

// chromium is the browser's program, or the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	return program
}

// labWith starts JupyterLab on a folder with copies of notebooks, and a browser in front of it. end looks that no process is left.
func labWith(t *testing.T, patience time.Duration, dir string, books map[string][]byte) (b *browser, end func()) {
	t.Helper()
	program := chromium(t)
	lab, err := setup.Ensure(t.Context(), setup.ForLab, func(int64, int64, string) {})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range books {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mark := "TLAB_MARK=" + t.TempDir()
	address, stop := startLab(t, lab, dir, mark)
	b = newBrowser(t, program, patience)
	inside := b.watchRequests()
	b.do("open JupyterLab", chromedp.Navigate(address+"&reset"))
	return b, func() {
		inside()
		stop()
		if left := carriers(mark); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// watchRequests returns a function that fails for each request of the page that left this machine.
func (b *browser) watchRequests() (inside func()) {
	b.t.Helper()
	var mu sync.Mutex
	var all, outside []string
	chromedp.ListenTarget(b.ctx, func(event any) {
		address := ""
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			address = event.Request.URL
		case *network.EventWebSocketCreated:
			address = event.URL
		default:
			return
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, address)
		u, err := url.Parse(address)
		if err != nil || !slices.Contains([]string{"localhost", "127.0.0.1", "::1", ""}, u.Hostname()) {
			outside = append(outside, address)
		}
	})
	b.do("watch the network", network.Enable())
	return func() {
		b.t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if len(all) == 0 {
			b.t.Error("the page asked for nothing at all: is anybody watching?")
		}
		if len(outside) > 0 {
			b.t.Errorf("the page asked other machines: %q", outside)
		}
	}
}
