package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"transferlab/kernel"
	"transferlab/tl"
	"transferlab/tl/remote"
)

// cellCommands are the % lines that reach into the engine. They call it over its socket: this process has an engine linked in, which the
// verbs of package tl would run.
func cellCommands(socket, session string) []kernel.Command {
	engine := remote.Client{Socket: socket, Session: session}
	return []kernel.Command{{
		Name:  "engine",
		Usage: "[free [NAME…]]",
		Help:  "Lists what the engine holds, and its bytes; `free` frees all that this notebook used, or what is named. A model that is freed starts over.",
		Run: func(ctx context.Context, args []string, out io.Writer) error {
			var held tl.Held
			var err error
			switch {
			case len(args) == 0:
				err = engine.Call(ctx, tl.VerbHeld, tl.HeldRequest{}, &held, nil)
			case args[0] == "free":
				err = engine.Call(ctx, tl.VerbFree, tl.FreeRequest{Names: args[1:]}, &held, nil)
			default:
				err = fmt.Errorf("%%engine %s: no such request (write %%engine, %%engine free, or %%engine free NAME…)", args[0])
			}
			if err == nil {
				_, err = fmt.Fprintln(out, held)
			}
			return err
		},
	}}
}

// stoppedWork asks the engine how the models stand that a stopped cell was training. An engine that does not answer has nothing to say.
func stoppedWork(ctx context.Context, socket, session string) []string {
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	var lines []string
	if socket == "" || (remote.Client{Socket: socket, Session: session}).Call(ctx, tl.VerbStopped, tl.StoppedRequest{}, &lines, nil) != nil {
		return nil
	}
	return lines
}
