package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"transferlab/kernel/wire"
	"transferlab/tl/remote"
)

// ShowKey names the socket on which the kernel takes figures of package plots. GoNB takes figures too, through package gonbui, which costs a
// cell 50 ms of building; figures of other packages still go that way.
const ShowKey = "TLAB_SHOW"

func (p *proxy) showSocket() string { return filepath.Join(p.dir, "show.sock") }

// takeFigures listens for the cell at work until ctx ends.
func (p *proxy) takeFigures(ctx context.Context) error {
	listener, err := net.Listen("unix", p.showSocket())
	if err != nil {
		return fmt.Errorf("kernel: listen for figures: %w", err)
	}
	if err := os.Chmod(p.showSocket(), 0o600); err != nil {
		return fmt.Errorf("kernel: listen for figures: %w", err)
	}
	go func() {
		if err := remote.Serve(ctx, listener, p.takeFigure); err != nil {
			p.logf("figures: %v", err)
		}
	}()
	return nil
}

// settle is how long a figure waits for what the cell printed before it, which takes the longer way through GoNB.
const settle = 5 * time.Millisecond

// takeFigure shows data, by MIME type, below the cell at work, as if GoNB had sent it.
func (p *proxy) takeFigure(_ context.Context, verb string, decode func(any) error, _ func(remote.Progress)) (any, error) {
	if verb != "display" {
		return nil, fmt.Errorf("kernel: no verb %q", verb)
	}
	var data map[string]string
	if err := decode(&data); err != nil {
		return nil, err
	}
	now := p.running()
	if now == nil || now.request == nil {
		return nil, errors.New("kernel: show a figure: no cell is running")
	}
	content := displayContent{Data: map[string]json.RawMessage{}, Metadata: map[string]json.RawMessage{}, Transient: map[string]any{}}
	for kind, text := range data {
		content.Data[kind] = raw(text)
	}
	m, err := wire.New(p.session, "display_data", content)
	if err != nil {
		return nil, err
	}
	m.Parent = now.request.Header
	time.Sleep(settle)
	now.take(m)
	return true, nil
}
