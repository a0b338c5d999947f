package grade

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"transferlab/kernel/notebook"
)

// Release makes a student's version of a notebook: outputs and execution counts are gone, answers are nil again, and the student's name stands
// in the notebook's metadata and in a cell behind the first imports of package check, so that exercises come in the student's own variant. Ids
// of cells stay. An empty name leaves the lecture's variant.
func Release(book *notebook.Notebook, student string) (*notebook.Notebook, error) {
	out := &notebook.Notebook{Metadata: book.Metadata}
	placed := student == ""
	for _, c := range book.Cells {
		if c.ID == studentCell {
			continue // of an earlier release
		}
		copied := *c
		copied.Outputs, copied.Count = nil, 0
		if c.Kind == notebook.Code {
			copied.Source = blanked(c.Source)
		}
		out.Cells = append(out.Cells, &copied)
		if !placed && c.Kind == notebook.Code && strings.Contains(c.Source, `"transferlab/lessons/check"`) {
			placed = true
			out.Cells = append(out.Cells, &notebook.Cell{ID: studentCell, Kind: notebook.Code, Source: fmt.Sprintf(
				"// These exercises are for this student; leave the line as it is.\nvar student = check.Student(%q)", student)})
		}
	}
	if !placed {
		return nil, fmt.Errorf("grade: release: no cell imports transferlab/lessons/check: the notebook has no exercises")
	}
	metadata := map[string]json.RawMessage{}
	if len(book.Metadata) > 0 {
		if err := json.Unmarshal(book.Metadata, &metadata); err != nil {
			return nil, fmt.Errorf("grade: release: read metadata: %w", err)
		}
	}
	delete(metadata, "transferlab")
	if student != "" {
		ours, err := json.Marshal(map[string]string{"student": student})
		if err != nil {
			return nil, fmt.Errorf("grade: release: %w", err)
		}
		metadata["transferlab"] = ours
	}
	var err error
	if out.Metadata, err = json.Marshal(metadata); err != nil {
		return nil, fmt.Errorf("grade: release: %w", err)
	}
	return out, nil
}

// studentCell is the id of the cell that sets the student.
const studentCell = "transferlab-student"

// answered finds the beginning of an answer, up to its second argument.
var answered = regexp.MustCompile(`\bcheck\s*\.\s*(?:Answer|Predict)\s*\(\s*("[^"\n]*"|` + "`[^`\n]*`" + `)\s*,\s*`)

// blanked puts nil in the place of each answer.
func blanked(code string) string {
	var b strings.Builder
	for {
		at := answered.FindStringSubmatchIndex(code)
		if at == nil {
			return b.String() + code
		}
		b.WriteString(code[:at[1]])
		code = code[at[1]:]
		end := argument(code)
		if end < 0 {
			return b.String() + code // not Go: left as it is
		}
		b.WriteString("nil")
		code = code[end:]
	}
}

// argument is the length of a call's last argument: up to the bracket that closes the call, or a comma before it. -1 if there is none.
func argument(code string) int {
	depth := 0
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case '"', '\'', '`':
			quoted, err := strconv.QuotedPrefix(code[i:])
			if err != nil {
				return -1
			}
			i += len(quoted) - 1
		case '/':
			if rest := code[i:]; strings.HasPrefix(rest, "//") {
				i += max(strings.IndexByte(rest, '\n'), 0)
			} else if strings.HasPrefix(rest, "/*") {
				i += max(strings.Index(rest, "*/"), 0)
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}
