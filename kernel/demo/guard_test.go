package demo

import (
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Who is not this page, on this machine, with the token, gets nothing and changes nothing.
func TestStrangers(t *testing.T) {
	table := lay(t, Config{})
	class := table.state().Classes[0]
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"the page", func(*http.Request) {}, 200},
		{"localhost", func(r *http.Request) { r.Host = "localhost:8990"; r.Header.Set("Origin", "http://localhost:8990") }, 200},
		{"a program with the token", func(r *http.Request) { r.Header.Del("Origin") }, 200},
		{"no token", func(r *http.Request) { r.Header.Del(tokenHeader) }, 401},
		{"a wrong token", func(r *http.Request) { r.Header.Set(tokenHeader, strings.Repeat("A", 26)) }, 401},
		{"a part of the token", func(r *http.Request) { r.Header.Set(tokenHeader, table.server.Token()[:25]) }, 401},
		{"the token and more", func(r *http.Request) { r.Header.Set(tokenHeader, table.server.Token()+"A") }, 401},
		{"the token in the address", func(r *http.Request) {
			r.Header.Del(tokenHeader)
			r.URL.RawQuery = "token=" + table.server.Token()
		}, 401},
		{"a name that was made to point here", func(r *http.Request) { r.Host = "evil.example:8990" }, 421},
		{"such a name, with its Origin", func(r *http.Request) {
			r.Host = "evil.example:8990"
			r.Header.Set("Origin", "http://evil.example:8990")
		}, 421},
		{"no port", func(r *http.Request) { r.Host = "127.0.0.1" }, 421},
		{"another port", func(r *http.Request) { r.Host = "127.0.0.1:80" }, 421},
		{"a name that begins as ours", func(r *http.Request) { r.Host = "127.0.0.1.evil.example:8990" }, 421},
		{"a name of the machine", func(r *http.Request) { r.Host = "0.0.0.0:8990" }, 421},
		{"another site", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"another port's page", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8888") }, 403},
		{"a page of the same host by https", func(r *http.Request) { r.Header.Set("Origin", "https://127.0.0.1:8990") }, 403},
		{"a page of no origin", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		{"two origins", func(r *http.Request) { r.Header.Add("Origin", "https://evil.example") }, 403},
		{"another site that hides its origin", func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}, 403},
		{"another port's page that hides its origin", func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Set("Sec-Fetch-Site", "same-site")
		}, 403},
		{"a link to a request", func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(table.state().Classes[0].Pictures)
			status, reply, header := table.send("POST", "/api/classes/"+itoa(class.ID)+"/pictures", photo(t, 1), c.change)
			if status != c.want {
				t.Errorf("status %d, want %d: %s", status, c.want, reply)
			}
			if added := len(table.state().Classes[0].Pictures) - before; (added == 1) != (c.want == 200) {
				t.Errorf("status %d, and %d pictures were added", status, added)
			}
			lacks(t, reply, table.server.Token())
			if header.Get("Access-Control-Allow-Origin") != "" || header.Get("Content-Security-Policy") != policy {
				t.Errorf("headers %v", header)
			}
		})
	}
}

// An address that is another way to write one of ours asks for the token all the same.
func TestOtherSpellings(t *testing.T) {
	table := lay(t, Config{})
	for _, path := range []string{"//api/events", "/./api/events", "/page/../api/events", "/%61pi/events", "/api%2fevents", "/API/events"} {
		status, reply, _ := table.send("GET", path, nil, func(r *http.Request) { r.Header.Del(tokenHeader) })
		if status == 200 || strings.Contains(reply, "class 1") {
			t.Errorf("%s: %d %s", path, status, reply)
		}
	}
}

// The page itself holds no secret: it may be opened by a link, as from JupyterLab, but not shown inside another page.
func TestPageIsOpenedByALink(t *testing.T) {
	table := lay(t, Config{})
	for _, c := range []struct {
		mode, dest string
		want       int
	}{{"navigate", "document", 200}, {"navigate", "iframe", 403}, {"no-cors", "script", 403}} {
		status, reply, header := table.send("GET", "/", nil, func(r *http.Request) {
			r.Header.Del(tokenHeader)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", c.mode)
			r.Header.Set("Sec-Fetch-Dest", c.dest)
		})
		if status != c.want {
			t.Errorf("%s for %s: %d, want %d", c.mode, c.dest, status, c.want)
		}
		lacks(t, reply, table.server.Token())
		if header.Get("X-Frame-Options") != "DENY" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", header)
		}
	}
}

// The page is whole: it asks nobody else, has no script or style in its text, and writes names as text alone.
func TestPageAsksNobodyElse(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z0-9.-]+\.[a-z]+`)
	unsafe := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function| on[a-z]+="| style="|<script>|<style`)
	seen := 0
	err := fs.WalkDir(files, "page", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, found := range elsewhere.FindAllString(string(data), -1) {
			if found != "http://www.w3.org" { // the name of SVG, which nobody asks for
				t.Errorf("%s names %s", path, found)
			}
		}
		for _, found := range unsafe.FindAllString(string(data), -1) {
			t.Errorf("%s has %s", path, found)
		}
		return nil
	})
	if err != nil || seen < 8 {
		t.Fatal(seen, err)
	}
	for _, directive := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy lacks %s", directive)
		}
	}
	lacks(t, policy, "unsafe", "*", "http")
}

func TestNoOtherFiles(t *testing.T) {
	table := lay(t, Config{})
	for _, path := range []string{"/page/..%2f..%2fdemo.go", "/page/../demo.go", "/page/", "/page/demo.go", "/demo.go", "/page/%2e%2e"} {
		if status, reply, _ := table.send("GET", path, nil, nil); status == 200 && strings.Contains(reply, "package") || status == 500 {
			t.Errorf("%s: %d %s", path, status, reply)
		}
	}
}
