"""jupyter_kernel_test, with a sample for everything that it can test."""

import time
import unittest

import jupyter_kernel_test as jkt


class GoKernelTests(jkt.KernelTests):
    kernel_name = "tlab"
    language_name = "go"

    @classmethod
    def setUpClass(cls):
        """Waits for gopls, which reads the module for seconds; a front end asks again at the next keystroke."""
        super().setUpClass()
        end = time.monotonic() + 60
        while not cls.kc.complete("%%\nfmt.Sprintl", reply=True, timeout=60)["content"]["matches"]:
            assert time.monotonic() < end, "nothing is ever completed"

    file_extension = ".go"

    code_hello_world = '%%\nfmt.Println("hello, world")'
    code_stderr = '%%\nfmt.Fprintln(os.Stderr, "careful")'
    code_generate_error = '%%\npanic("no")'
    code_clear_output = (
        'import "github.com/janpfeifer/gonb/gonbui/protocol"\n%%\nfmt.Println("old")\n'
        'gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{"application/x-tlab-clear-output": "true"}})'
    )
    code_page_something = "fmt.Println?"
    code_inspect_sample = "%%\nfmt.Println"

    completion_samples = [
        {"text": "%%\nfmt.Sprintl", "matches": {"Sprintln"}},
        {"text": "%%\nstrings.ToUppe", "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": "%noauto", "matches": {"%noautoget"}},
        {"text": "%%writef", "matches": {"%%writefile"}},
        {"text": "%%\nnothingHasThisName"},
    ]

    complete_code_samples = [
        "6*7",
        "x := 1",
        'import "fmt"',
        "func twice(x int) int { return 2 * x }",
        "%%\nfor i := range 3 {\n\tfmt.Println(i)\n}",
        "!echo {",
        "%help",
    ]
    incomplete_code_samples = [
        "func twice(x int) int {",
        "if x > 1 {\n\tfmt.Println(x)",
        "fmt.Println(1,",
        "const text = `begun",
        "x :=",
        "/* begun",
    ]
    invalid_code_samples = ["func )", "x := )", "x := 1 2", "}"]

    code_execute_result = [
        {"code": "6*7", "result": "42"},
        {"code": "x := 20\nx + 22", "result": "42"},
        {"code": '%%\nlen("forty two")', "result": "9"},
    ]
    code_history_pattern = "6?7"
    supported_history_operations = ("tail", "range", "search")

    code_display_data = [
        {"code": '%%\ngonbui.DisplayHTML("<b>bold</b>")', "mime": "text/html"},
        {"code": '%%\ngonbui.DisplayMarkdown("*slanted*")', "mime": "text/markdown"},
        {"code": "%%\ngonbui.DisplayImage(image.NewGray(image.Rect(0, 0, 2, 2)))", "mime": "image/png"},
    ]

    def test_error_of_the_compiler(self):
        """It is one message too: what the compiler says is in the error, not printed beside it."""
        self.flush_channels()
        reply, outputs = self.execute_helper('%%\nvar n int = "one"\n_ = n')
        self.assertEqual(reply["content"]["status"], "error")
        self.assertEqual([m["msg_type"] for m in outputs], ["error"])
        self.assertIn('"one"', reply["content"]["evalue"])
        self.assertEqual(outputs[0]["content"]["evalue"], reply["content"]["evalue"])


class GoIopubWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "tlab"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
