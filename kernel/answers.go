package kernel

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"transferlab/kernel/source"
	"transferlab/kernel/wire"
)

// answers are the requests that need neither GoNB nor the Engine.
var answers = map[string]func(*proxy, request){
	"kernel_info_request": func(p *proxy, r request) { p.reply(r, "kernel_info_reply", information()) },
	"is_complete_request": (*proxy).isComplete,
	"history_request":     (*proxy).tellHistory,
	"comm_info_request":   (*proxy).tellComms,
	"connect_request":     (*proxy).tellConnection,
}

// helpLink is an entry of a front end's help menu.
type helpLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// information is the content of a kernel_info_reply.
func information() map[string]any {
	goVersion := strings.TrimPrefix(runtime.Version(), "go")
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       wire.ProtocolVersion,
		"implementation":         SpecName,
		"implementation_version": version(),
		"language_info": map[string]any{
			"name": "go", "version": goVersion, "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
		"banner": "Transfer Learning Lab: Go " + goVersion + " in cells, compiled by GoNB; %help lists the commands, %engine what the engine holds",
		"help_links": []helpLink{
			{"A Tour of Go", "https://go.dev/tour/"},
			{"Go's standard library", "https://pkg.go.dev/std"},
			{"GoNB: its tutorial", "https://github.com/janpfeifer/gonb/blob/main/examples/tutorial.ipynb"},
			{"GoMLX", "https://pkg.go.dev/github.com/gomlx/gomlx"},
		},
		"debugger":           false,
		"supported_features": []string{},
	}
}

// version is that of this program as the go command noted it: a tag, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func (p *proxy) isComplete(r request) {
	var content struct {
		Code string `json:"code"`
	}
	if err := r.Decode(&content); err != nil {
		p.reply(r, "is_complete_reply", map[string]string{"status": "unknown"})
		return
	}
	status, indent := source.Parse(content.Code).Complete()
	if _, asked := helpAsked(content.Code); asked {
		status = "complete"
	}
	reply := map[string]string{"status": status}
	if status == "incomplete" {
		reply["indent"] = indent
	}
	p.reply(r, "is_complete_reply", reply)
}

func (p *proxy) tellConnection(r request) {
	c := p.conn
	p.reply(r, "connect_reply", map[string]any{"status": "ok", "shell_port": c.Shell, "iopub_port": c.IOPub, "stdin_port": c.Stdin,
		"hb_port": c.Heartbeat, "control_port": c.Control})
}

// comms are the open channels between widgets in the front end and in GoNB, by id.
type comms struct {
	mu   sync.Mutex
	open map[string]string // id → target
}

type commContent struct {
	ID     string `json:"comm_id"`
	Target string `json:"target_name"`
}

// note follows the opening and closing of comms, whichever side does it.
func (c *comms) note(m *wire.Message) {
	if m.Header.Type != "comm_open" && m.Header.Type != "comm_close" {
		return
	}
	var content commContent
	if m.Decode(&content) != nil || content.ID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.Header.Type {
	case "comm_open":
		if c.open == nil {
			c.open = map[string]string{}
		}
		c.open[content.ID] = content.Target
	case "comm_close":
		delete(c.open, content.ID)
	}
}

func (p *proxy) tellComms(r request) {
	var asked commContent
	_ = r.Decode(&asked) // without content every comm is meant
	p.comms.mu.Lock()
	found := map[string]map[string]string{}
	for id, target := range p.comms.open {
		if asked.Target == "" || asked.Target == target {
			found[id] = map[string]string{"target_name": target}
		}
	}
	p.comms.mu.Unlock()
	p.reply(r, "comm_info_reply", map[string]any{"status": "ok", "comms": found})
}
