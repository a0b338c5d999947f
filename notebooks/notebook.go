package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A cell of a notebook. Its id is made of names in the lesson, so that an edit elsewhere does not change it.
type cell struct {
	id     string // letters, digits, - and _; at most 64
	code   bool   // else Markdown
	source string // without a newline at the end
}

// The JSON of nbformat 4.5. Fields stand in alphabetical order and are indented by one space, as Jupyter itself saves them: saving an
// unchanged notebook leaves no difference in git.
type (
	notebookJSON struct {
		Cells         []any        `json:"cells"`
		Metadata      metadataJSON `json:"metadata"`
		NbFormat      int          `json:"nbformat"`
		NbFormatMinor int          `json:"nbformat_minor"`
	}
	metadataJSON struct {
		KernelSpec   kernelSpecJSON   `json:"kernelspec"`
		LanguageInfo languageInfoJSON `json:"language_info"`
	}
	kernelSpecJSON struct {
		DisplayName string `json:"display_name"`
		Language    string `json:"language"`
		Name        string `json:"name"`
	}
	languageInfoJSON struct {
		FileExtension string `json:"file_extension"`
		MIMEType      string `json:"mimetype"`
		Name          string `json:"name"`
	}
	markdownJSON struct {
		CellType string   `json:"cell_type"`
		ID       string   `json:"id"`
		Metadata struct{} `json:"metadata"`
		Source   []string `json:"source"`
	}
	codeJSON struct {
		CellType       string   `json:"cell_type"`
		ExecutionCount *int     `json:"execution_count"`
		ID             string   `json:"id"`
		Metadata       struct{} `json:"metadata"`
		Outputs        []any    `json:"outputs"`
		Source         []string `json:"source"`
	}
)

// The kernel as kernel/setup installs it.
var kernelOfLab = metadataJSON{
	KernelSpec:   kernelSpecJSON{DisplayName: "Go (Transfer Learning Lab)", Language: "go", Name: "tlab"},
	LanguageInfo: languageInfoJSON{FileExtension: ".go", MIMEType: "text/x-go", Name: "go"},
}

// encode writes the cells as a notebook file.
func encode(cells []cell) ([]byte, error) {
	notebook := notebookJSON{Cells: []any{}, Metadata: kernelOfLab, NbFormat: 4, NbFormatMinor: 5}
	for _, c := range cells {
		lines := strings.SplitAfter(c.source, "\n")
		if c.code {
			notebook.Cells = append(notebook.Cells, codeJSON{CellType: "code", ID: c.id, Outputs: []any{}, Source: lines})
		} else {
			notebook.Cells = append(notebook.Cells, markdownJSON{CellType: "markdown", ID: c.id, Source: lines})
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(notebook); err != nil {
		return nil, fmt.Errorf("notebooks: encode: %w", err)
	}
	return out.Bytes(), nil
}
