package kernel

import (
	"testing"
	"time"
)

// TestQuestionsAboutNothing: where there is no code to ask gopls about, the answer comes at once. GoNB had none, or waited for ever.
func TestQuestionsAboutNothing(t *testing.T) {
	s := session(t)
	for _, request := range []string{"inspect_request", "complete_request"} {
		for _, code := range []string{"", "\n", "%%", "%%\n\n", "%%\n// a comment", "!ls\n", "import \"fmt\"\n", "var x = 1\n\n"} {
			began := time.Now()
			reply, _ := s.request(t, s.shell, request, map[string]any{"code": code, "cursor_pos": len(code)})
			if took := time.Since(began); reply["status"] != "ok" || took > answerTime-5*time.Second { // gopls may still be reading
				t.Errorf("%s of %q: %v after %v", request, code, reply, took)
			}
		}
		if reply, _ := s.request(t, s.shell, request, map[string]any{}); reply["status"] != "ok" {
			t.Errorf("%s without content: %v", request, reply)
		}
	}
}
