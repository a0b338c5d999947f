package kernel

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"transferlab/kernel/wire"
)

// run is one cell at work.
type run struct {
	request *request // nil for what the kernel asks of GoNB for itself
	ctx     context.Context
	cancel  context.CancelFunc
	began   time.Time
	done    chan struct{} // closed when GoNB has answered

	mu   sync.Mutex
	out  *outputs
	why  string   // why the kernel stops it; "" while it does not
	said []string // what happened beside it: an engine that died
}

// Reasons to stop a cell. Any other is a sentence about a limit.
const interrupted = "interrupted"

func (p *proxy) begin(ctx context.Context, r *request, out *outputs) *run {
	ctx, cancel := context.WithCancel(ctx)
	now := &run{request: r, ctx: ctx, cancel: cancel, began: time.Now(), done: make(chan struct{}), out: out}
	p.mu.Lock()
	p.now = now
	if r != nil {
		now.said, p.remarks = p.remarks, nil
	}
	p.mu.Unlock()
	return now
}

func (p *proxy) finish(now *run) {
	close(now.done)
	now.cancel()
	p.mu.Lock()
	p.now = nil
	p.mu.Unlock()
}

func (r *run) take(m *wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.take(m)
}

// update publishes m if it updates a display of this cell, in answer to somebody else: GoNB takes back the script of its widgets that way.
func (r *run) update(m *wire.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.Header.Type != "update_display_data" || r.out == nil || !r.out.shows(m) {
		return false
	}
	r.out.display(m)
	return true
}

// remark adds what is shown at the end of the cell at work, or of the next.
func (p *proxy) remark(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil || p.now.request == nil {
		p.remarks = append(p.remarks, text)
		return
	}
	p.now.mu.Lock()
	defer p.now.mu.Unlock()
	p.now.said = append(p.now.said, text)
}

func (r *run) remarked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.said) > 0
}

func (r *run) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}

// interrupt stops the cell at work, if there is one.
func (p *proxy) interrupt() {
	if now := p.running(); now != nil {
		p.stop(now, interrupted)
	}
}

// stop makes a cell end, whatever it is doing: being compiled, running, or waiting for a command of the kernel's. It does not wait.
func (p *proxy) stop(now *run, why string) {
	now.mu.Lock()
	first := now.why == ""
	if first {
		now.why = why
	}
	now.mu.Unlock()
	if first {
		go p.halt(now)
	}
}

const (
	// grace is how long an interrupted program may take to end by itself.
	grace = 5 * time.Second
	// deafness is how long GoNB may take to notice that the program is gone.
	deafness = 10 * time.Second
)

// halt signals the cell's processes until GoNB says that the cell ended. Again and again, since GoNB starts one after the other:
// goimports, go, the program. A build has nothing to lose and is killed; a program is asked first. A cell stopped for a limit is not asked.
func (p *proxy) halt(now *run) {
	now.cancel()
	asked := map[int]bool{}
	began := time.Now()
	for {
		force := now.reason() != interrupted || time.Since(began) > grace
		for _, process := range p.cellProcesses(now.began) {
			switch {
			case force || process.isTool():
				_ = syscall.Kill(process.pid, syscall.SIGKILL)
			case !asked[process.pid]:
				asked[process.pid] = true
				_ = syscall.Kill(process.pid, syscall.SIGINT)
			}
		}
		if time.Since(began) > grace+deafness {
			p.logf("GoNB does not notice that its cell ended; it is started again")
			p.gonb.kill()
			return
		}
		select {
		case <-now.done:
			return
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// sweepCell ends what a stopped cell left running, and removes the folders of go commands that were killed.
func (p *proxy) sweepCell(now *run) {
	for _, process := range p.cellProcesses(now.began) {
		_ = syscall.Kill(process.pid, syscall.SIGKILL)
	}
	left, _ := filepath.Glob(filepath.Join(buildsDir(p.dir), "*"))
	for _, path := range left {
		_ = os.RemoveAll(path)
	}
}

// cellProcesses are those that came to be since began, without the kernel's own children and what belongs to gopls.
func (p *proxy) cellProcesses(began time.Time) []process {
	return startedSince(p.kernelID, began, p.gonb.pid(), p.engine.pid())
}
