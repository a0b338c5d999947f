//go:build !tlab || !linux

package plots

import (
	"fmt"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// This is how a figure reaches any GoNB. The lab's kernel builds its cells with the tag tlab and takes figures itself (show_lab.go): gonbui
// imports net, database/sql and two logging libraries, and a cell with a figure builds in five sixths of the time without it.

func inNotebook() bool { return gonbui.IsNotebook }

// display hands data, by MIME type, to GoNB, and waits until the kernel has it: a cell that ends or panics right after would lose it
// otherwise.
func display(data map[string]string) error {
	message := protocol.DisplayData{Data: map[protocol.MIMEType]any{}}
	for kind, text := range data {
		message.Data[protocol.MIMEType(kind)] = text
	}
	gonbui.SendData(&message)
	if err := gonbui.Error(); err != nil {
		return fmt.Errorf("reach the kernel: %w", err)
	}
	arrived := make(chan struct{})
	go func() {
		gonbui.Sync()
		close(arrived)
	}()
	select {
	case <-arrived:
		return nil
	case <-time.After(patience): // Sync itself waits for ever when the pipe breaks under it
		return errDeserted()
	}
}
