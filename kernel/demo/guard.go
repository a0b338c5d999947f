package demo

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// tokenHeader carries the token. A page of another site cannot send a header of its own to us: the browser asks first, and gets no permission. So
// no cookie is needed, which would go with every request to this host, whatever the port and whoever made it.
const tokenHeader = "X-Demo-Token"

// policy allows the page what it is made of and nothing else: its own scripts and styles, pictures that it holds itself, no other host.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard stands before everything. Whoever is on this machine or in its browser may send requests here:
//   - a page of another site whose name was made to point at 127.0.0.1 (DNS rebinding) names its own host: Host must be ours;
//   - a page of another site that sends a request to us says where it is from: Origin, where there is one, must be ours;
//   - another program or user of the machine does not know the token.
func (s *Server) guard(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(s.cfg.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), clipboard-read=(self), microphone=(), geolocation=()")
		if !s.ourHost(r.Host) {
			fail(w, refuse(http.StatusMisdirectedRequest, "This page is served as 127.0.0.1 or localhost on port %d alone. Through a tunnel, use the same port on both ends.", s.cfg.Port))
			return
		}
		if !s.ourOrigin(r) {
			fail(w, refuse(http.StatusForbidden, "This request comes from another page."))
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			got := sha256.Sum256([]byte(r.Header.Get(tokenHeader)))
			if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
				fail(w, refuse(http.StatusUnauthorized, "Open the address that was printed, with all that stands behind #: it holds the token that this page needs."))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ourHost tells whether a request names this machine and our port.
func (s *Server) ourHost(host string) bool {
	name, port, found := strings.Cut(host, ":")
	return found && port == strconv.Itoa(s.cfg.Port) && (name == "127.0.0.1" || strings.EqualFold(name, "localhost"))
}

// ourOrigin tells whether a request is from our page, or from no page at all. Browsers leave Origin out of plain reads; there Sec-Fetch-Site says
// who asks, and "none" is a user who types the address.
func (s *Server) ourOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		// Following a link from JupyterLab opens the page itself, which holds no secret.
		if !(r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document") {
			return false
		}
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && origin.Scheme == "http" && origin.Host == r.Host && s.ourHost(origin.Host)
}
