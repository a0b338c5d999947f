package setup

// edit replaces, in one file of GoNB, text that must stand there exactly once: another version of GoNB is not patched blindly.
type edit struct{ file, old, new string }

// gonbEdits mend five things of v0.11.4: %wasm, which fails on every Go since 1.24; figures that were lost when their program ended at once;
// completion, which a kernel had only after twelve seconds; widgets on a machine that has other work; and a fifth of the time that each cell takes.
// They go when a release of GoNB has them.
var gonbEdits = []edit{
	// Go 1.24 moved the script that starts a program in the browser.
	{"internal/goexec/wasm.go", `path.Join(wasmExecSrc, "misc", "wasm", "wasm_exec.js")`, `path.Join(wasmExecSrc, "lib", "wasm", "wasm_exec.js")`},
	{"internal/goexec/wasm.go", `$GOROOT/misc/wasm/wasm_exec.js`, `$GOROOT/lib/wasm/wasm_exec.js`},
	// JupyterHub serves each user's files below a prefix of their own.
	{"internal/goexec/wasm.go", `path.Join("/files", JupyterFilesSubdir`, `path.Join("/", os.Getenv("JUPYTERHUB_SERVICE_PREFIX"), "files", JupyterFilesSubdir`},
	// JupyterLab fetches that script while it already runs the one that needs it.
	{"internal/goexec/wasm.go", "(() => {\n\tvar go_{{.Id}} =", "(function start() {\n\tif (!globalThis.Go) { setTimeout(start, 50); return; }\n\tvar go_{{.Id}} ="},
	// A program's figures come through a pipe, which GoNB closed as soon as the program had ended, whatever was still in it. Opening it for
	// writing once more lets a reader that still waits for the program find the pipe's end.
	{"internal/jpyexec/jpyexec.go", "\tPipeWriterFifo chan *protocol.CommValue\n", "\tPipeWriterFifo chan *protocol.CommValue\n\tpipeDrained    chan struct{}\n"},
	{"internal/jpyexec/jpyexec.go", "\texec.exitError = cmd.Wait()\n", "\texec.exitError = cmd.Wait()\n\texec.drainPipe()\n"},
	{"internal/jpyexec/namedpipes.go", "\t\"syscall\"\n)", "\t\"syscall\"\n\t\"time\"\n)"},
	{"internal/jpyexec/namedpipes.go", "\texec.openPipeReader()\n", "\texec.pipeDrained = make(chan struct{})\n\texec.openPipeReader()\n"},
	{"internal/jpyexec/namedpipes.go", "\tgo func() {\n\t\tklog.V(2).Infof(\"Opening named pipeReader",
		"\tgo func() {\n\t\tpolling := false\n\t\tdefer func() {\n\t\t\tif !polling {\n\t\t\t\tclose(exec.pipeDrained)\n\t\t\t}\n\t\t}()\n\t\tklog.V(2).Infof(\"Opening named pipeReader"},
	{"internal/jpyexec/namedpipes.go", "\t\tgo exec.pollNamedPipeReader()\n",
		"\t\tpolling = true\n\t\tgo func() {\n\t\t\tdefer close(exec.pipeDrained)\n\t\t\texec.pollNamedPipeReader()\n\t\t}()\n"},
	{"internal/jpyexec/namedpipes.go", "// openPipeWriter opens `exec.namedPipeWriterPath`", drainPipe + "// openPipeWriter opens `exec.namedPipeWriterPath`"},
	// The go command, compiler and linker of a small program spend a sixth of their time collecting garbage. The cell itself gets no such setting.
	// A kernel that kills a build removes its folder, which it must be able to tell from those of gopls.
	{"internal/goexec/execcode.go", "\tcmd := exec.Command(\"go\", args...)\n\tcmd.Dir = s.TempDir\n",
		"\tcmd := exec.Command(\"go\", args...)\n\tcmd.Dir = s.TempDir\n\tcmd.Env = append(cmd.Environ(), \"GOGC=400\", \"GOTMPDIR=\"+os.Getenv(\"GONB_BUILDS\"))\n"},
	// Goimports reads its index of the whole module cache before it looks whether an import is missing: 25 of its 30 ms. Where it finds none, a
	// cell that lacks an import is searched for in the module cache itself, a tenth of a second longer, and all others are quick.
	{"internal/goexec/execcode.go", "\tcmd := exec.Command(goimportsPath, \"-w\", s.CodePath())\n\tcmd.Dir = s.TempDir\n",
		"\tcmd := exec.Command(goimportsPath, \"-w\", s.CodePath())\n\tcmd.Dir = s.TempDir\n\tcmd.Env = append(cmd.Environ(), \"XDG_CACHE_HOME=\"+s.TempDir)\n"},
	// A publisher's queue has no end: a cell that prints faster than its kernel reads filled the memory. A kernel that asks for it gets a socket that
	// makes the cell wait.
	{"internal/kernel/kernel.go", "IOPubSocket: SyncSocket{Socket: zmq4.NewPub(ctx)}", "IOPubSocket: SyncSocket{Socket: newIOPub(ctx)}"},
	{"internal/kernel/kernel.go", "// bindSockets creates and binds", newIOPub + "// bindSockets creates and binds"},
	// GoNB waits as long between two attempts to reach gopls as for an answer, before the first one too.
	{"internal/goexec/goplsclient/exec.go", "\t\t\tcase <-time.After(ConnectTimeout):\n", "\t\t\tcase <-time.After(50 * time.Millisecond):\n"},
	{"internal/goexec/goplsclient/exec.go", "\t\t<-time.After(ConnectTimeout)\n\t\tc.mu.Lock()", "\t\t<-time.After(20 * time.Millisecond)\n\t\tc.mu.Lock()"},
	// Where a cell has no code at the cursor, in an empty cell first of all, gopls was asked about line -1, and did not answer.
	{"internal/goexec/inspect.go", "\t// Query `gopls`.\n\tctx := context.Background()\n\tvar desc string\n",
		"\tif !cursorInFile.HasCursor() {\n\t\treturn\n\t}\n\t// Query `gopls`.\n\tctx := context.Background()\n\tvar desc string\n"},
	{"internal/goexec/inspect.go", "\t_ = cursorInFile\n", "\tif !cursorInFile.HasCursor() {\n\t\treturn\n\t}\n"},
	// A gopls that died, which of all processes is the largest and the first that a system short of memory kills, was never started again.
	{"internal/goexec/goplsclient/goplsclient.go", "\twaitConnecting bool\n", "\twaitConnecting bool\n\tunwanted       bool // it is being stopped\n\tfalls          int  // deaths within a second of the start, in a row\n"},
	{"internal/goexec/goplsclient/exec.go", "\t\tklog.Infof(\"killing gopls:", "\t\tc.unwanted = true\n\t\tklog.Infof(\"killing gopls:"},
	{"internal/goexec/goplsclient/exec.go", "\t\terr := c.goplsExec.Wait()\n", "\t\tbegan := time.Now()\n\t\terr := c.goplsExec.Wait()\n"},
	{"internal/goexec/goplsclient/exec.go", "\t\tclose(c.stop)\n\t\tc.removeUnixSocketFile()\n\t\tc.stopLocked()\n",
		"\t\tclose(c.stop)\n\t\tc.removeUnixSocketFile()\n\t\tc.stopLocked()\n" + goplsAgain},
	// Widgets talk through a connection of their own to Jupyter, which listens to a busy kernel a little later than it speaks to it: the kernel's answer
	// to the first message was lost now and then, and the cell waited for its widget for ever. So it is asked again, and nobody gives up in half a second.
	{"internal/websocket/websocket.js", "            await this._wait_open_ack();\n",
		"            const again = setInterval(() => { msg.header.msg_id = msg.msg_id = crypto.randomUUID(); this._send(msg); }, 300);\n" +
			"            try { await this._wait_open_ack(); } finally { clearInterval(again); }\n"},
	{"internal/websocket/websocket.js", "500, // milliseconds", "10000, // milliseconds"},
	{"internal/comms/comms.go", "\tif s.Opened {\n\t\t// Close the previous", "\tif s.Opened && commId == s.CommId {\n" +
		"\t\treturn s.sendDataLocked(msg, map[string]any{\"address\": CommOpenAckAddress, \"value\": true})\n\t}\n" +
		"\tif s.Opened {\n\t\t// Close the previous"},
	{"internal/comms/comms.go", "= 500 * time.Millisecond", "= 2 * time.Second"},
	{"internal/comms/comms.go", "WaitForConnectionTimeout = 3 * time.Second", "WaitForConnectionTimeout = 10 * time.Second"},
	// JupyterHub serves each user's kernels below a prefix of their own, and over https.
	{"internal/websocket/websocket.js", `"ws://" + document.location.host + "/api/kernels/`, `document.location.protocol.replace("http", "ws") + "//" + document.location.host +
            (JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}").baseUrl ?? "/") + "api/kernels/`},
}

const goplsAgain = `		c.falls++
		if time.Since(began) > time.Second {
			c.falls = 0
		}
		if !c.unwanted && c.falls < 5 {
			c.connCloseLocked()
			c.fileVersions, c.fileCache = make(map[string]int), make(map[string]*FileData)
			pause := time.Duration(c.falls) * time.Second
			go func() { time.Sleep(pause); util.ReportError(c.Start()) }()
		}
`

const newIOPub = `// newIOPub publishes to whoever subscribes, or waits for its one reader.
func newIOPub(ctx context.Context) zmq4.Socket {
	if os.Getenv("GONB_IOPUB") == "push" {
		return zmq4.NewPush(ctx)
	}
	return zmq4.NewPub(ctx)
}

`

const drainPipe = `// drainPipe waits until what the program displayed was read.
func (exec *Executor) drainPipe() {
	if !exec.useNamedPipes {
		return
	}
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		w, err := os.OpenFile(exec.namedPipeReaderPath, os.O_WRONLY|syscall.O_NONBLOCK, 0600)
		if err == nil {
			_ = w.Close()
		}
		select {
		case <-exec.pipeDrained:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

`
