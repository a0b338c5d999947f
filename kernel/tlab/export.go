package main

import (
	"fmt"
	"slices"
	"strings"

	"transferlab/kernel/page"
)

// export is a form in which an executed notebook is written, beside the notebook itself.
type export struct {
	name   string // as --to spells it
	form   page.Form
	ending string // of the file
}

var exports = []export{{"html", page.HTML, ".html"}, {"slides", page.Slides, ".slides.html"}, {"pdf-ready", page.PDFReady, ".pdf-ready.html"}}

// exportsNamed finds the forms of a list like "html,slides", each once.
func exportsNamed(names []string) (found []export, err error) {
	for _, name := range names {
		i := slices.IndexFunc(exports, func(e export) bool { return e.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("run: --to %s: no such form (have html, slides, pdf-ready)", name)
		}
		if !slices.Contains(found, exports[i]) {
			found = append(found, exports[i])
		}
	}
	return found, nil
}

// export writes the pages of an executed notebook.
func (r *runner) export(j job, o page.Options) error {
	endings := ".ipynb"
	for i, e := range r.exports {
		o.Form = e.form
		html, err := page.Render(j.book, o)
		if err != nil {
			return err
		}
		if err := writeFile(j.target+e.ending, html); err != nil {
			return err
		}
		endings += map[bool]string{true: " and ", false: ", "}[i == len(r.exports)-1] + e.ending
	}
	r.console.note("wrote " + j.target + endings)
	return nil
}
