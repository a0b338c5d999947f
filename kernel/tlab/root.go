package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// errReported ends the command with status 1 when what went wrong has already been shown.
var errReported = errors.New("reported")

// execute runs the command line and returns the exit status: 0, 1 for failure, 2 where 1 says something else (see diff), 130 when ctx ended (Ctrl-C).
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "tlab: stopped")
	default:
		fmt.Fprintf(stderr, "tlab: %v\n", err)
	}
	if ctx.Err() != nil {
		return 130
	}
	if errors.As(err, new(trouble)) {
		return 2
	}
	return 1
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tlab",
		Short: "Transfer learning in Go notebooks: real images, real ImageNet weights, trained in minutes on a CPU",
		Long: `tlab opens the Transfer Learning Lab: notebooks in Go that fine-tune real networks on real images, on a CPU, in minutes.

The first start fetches what is missing (XLA's CPU plugin, weights, Go tools; for "lab" also JupyterLab) into the cache directory,
$TLAB_HOME or transferlab in the user's cache directory, and checks every file. Later starts download nothing.`,
		Example: `  tlab lab                                     open the notebooks in the browser
  tlab run notebooks/07-fine-tuning.ipynb      run one without a browser; writes an executed notebook and an HTML page
  tlab release --students class.txt notebooks/02-parameters.ipynb
  tlab grade --students class.txt handed-in/*.ipynb
  tlab diff models/monday models/tuesday       say why two training runs differ
  tlab doctor                                  check every part, with a remedy for each that fails
  tlab install --user                          add the kernel "Go (Transfer Learning Lab)" to your own Jupyter`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(runCommand(), labCommand(), doctorCommand(), installCommand(), uninstallCommand(), diffCommand(), gradeCommand(), releaseCommand())
	root.AddCommand(demoCommand())
	root.AddCommand(kernelCommand(), engineCommand(), guardCommand(), answersCommand())
	return root
}
