package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"transferlab/kernel"
	"transferlab/kernel/setup"
	"transferlab/tl/engine"
)

// kernelCommand is what a kernelspec starts.
func kernelCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "kernel CONNECTION_FILE",
		Short:  "Run the Jupyter kernel (started by Jupyter)",
		Hidden: true,
		// `jupyter run` adds its own arguments, which are none of a kernel's business.
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Jupyter interrupts by a signal to the whole group in some front ends; package kernel hands it to the running cell, so it
			// must not end this process as main would have it.
			ctx, cancel := withParent(context.WithoutCancel(cmd.Context()))
			defer cancel()
			lab, err := setup.Find()
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			demo := &cellDemo{self: self}
			return kernel.Run(ctx, kernel.Config{
				ShareEngine:    engineSharing(lab.Home, self),
				ConnectionFile: args[0],
				// Errors as text: the compiler's words then stand in the reply, for every front end.
				GoNB: append(lab.GoNB(), "-raw_error"),
				Engine: func(socket, state string) []string {
					return []string{self, "engine", "--socket", socket, "--state", state}
				},
				Guard: func(id string, dirs ...string) []string { return append([]string{self, "guard", id}, dirs...) },
				Env:   lab.Environ(),

				Module:  lab.Module,
				History: historyFile(lab.Home),
				Commands: func(socket, session string) []kernel.Command {
					return append(cellCommands(socket, session), demo.command())
				},
				Stopped: stoppedWork,
			})
		},
	}
}

// historyKey names the environment variable with the file of what was run; empty, nothing is kept.
const historyKey = "TLAB_HISTORY"

func historyFile(home string) string {
	if file, set := os.LookupEnv(historyKey); set {
		return file
	}
	return filepath.Join(home, "history.jsonl")
}

// shareKey names the environment variable that has notebooks share one engine: of GPU memory there is seldom enough for several.
const shareKey = "TLAB_SHARE_ENGINE"

// engineSharing is nil unless the user wants one engine for all notebooks.
func engineSharing(home, self string) kernel.ShareEngine {
	if wanted, err := strconv.ParseBool(os.Getenv(shareKey)); err != nil || !wanted {
		return nil
	}
	return func(ctx context.Context, session string, tell func(string)) (string, func(), error) {
		return sharedEngine(ctx, home, self, session, tell)
	}
}

// engineCommand serves the verbs of package tl. It ends with the kernel, which holds the other end of its stdin; a shared one (see
// sharedEngine) soon after the last notebook.
func engineCommand() *cobra.Command {
	var socket string
	var options engine.Options
	var shared bool
	cmd := &cobra.Command{
		Use:    "engine --socket PATH",
		Short:  "Run the engine (started by the kernel)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
				go func() {
					defer cancel()
					_, _ = io.Copy(io.Discard, os.Stdin)
				}()
			}
			if shared {
				self, err := os.Executable()
				if err != nil {
					return err
				}
				if options.Shared, err = buildOf(self); err != nil {
					return err
				}
			}
			if err := engine.Serve(ctx, socket, options); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&socket, "socket", "", "unix socket to listen on")
	cmd.Flags().StringVar(&options.Dir, "state", "", "folder in which models outlive a crash of the engine")
	cmd.Flags().BoolVar(&shared, "shared", false, "serve several notebooks, each while it holds a lease, and end after the last")
	_ = cmd.MarkFlagRequired("socket") // fails only for a flag that does not exist
	return cmd
}

// guardCommand waits for the kernel's death and cleans up after it.
func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "guard ID DIR…",
		Short:  "Clean up after a kernel (started by the kernel)",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Whatever signal ends the kernel may have been sent to its guard as well.
			signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			return kernel.Guard(context.WithoutCancel(cmd.Context()), os.Stdin, args[0], args[1:]...)
		},
	}
}
