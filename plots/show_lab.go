//go:build tlab && linux

package plots

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"transferlab/tl/remote"
)

// showVariable names the socket on which the lab's kernel takes figures; see show_gonb.go for the reason.
const showVariable = "TLAB_SHOW"

func inNotebook() bool { return os.Getenv(showVariable) != "" }

// display hands data, by MIME type, to the kernel, and returns when front ends have it.
func display(data map[string]string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	waitForPrinted()
	var taken bool
	err := remote.Client{Socket: os.Getenv(showVariable)}.Call(ctx, "display", data, &taken, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return errDeserted()
	}
	return err
}

// waitForPrinted waits a moment until GoNB has read what the cell printed before, so that figures and text keep their order.
func waitForPrinted() {
	const stdout, stderr = 1, 2
	for until := time.Now().Add(100 * time.Millisecond); time.Now().Before(until); time.Sleep(time.Millisecond) {
		unread := 0
		for _, pipe := range []int{stdout, stderr} {
			if n, err := unix.IoctlGetInt(pipe, unix.TIOCINQ); err == nil { // else it is no pipe
				unread += n
			}
		}
		if unread == 0 {
			return
		}
	}
}
