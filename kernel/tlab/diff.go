package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"transferlab/tl"
)

// diffCommand says why two runs differ.
func diffCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Say why two training runs differ",
		Long: `diff compares the receipts of two runs. A and B are folders that Model.Save wrote, or receipts themselves (receipt.json).

It goes through all that a run can differ in: the data (rows, images, labels, order, how it is varied), the weights that it starts from,
the versions of the code, the machine, the phases, the learning rates, the seeds, and at last the results. Times are not compared. The
last line names the first cause: what to look at when two students, or two machines, have different numbers.

On a CPU the same seed, data, phases and versions give the same bits; where diff says "same everything", nothing is left to chance.

The status is 0 if the runs are the same, 1 if they differ, 2 if something cannot be read.`,
		Example: `  tlab diff models/monday models/tuesday
  tlab diff mine/receipt.json hers/receipt.json
  tlab diff -q a b && echo the same`,
		Args: func(cmd *cobra.Command, args []string) error {
			return troubled(cobra.ExactArgs(2)(cmd, args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return diff(args[0], args[1], quiet, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print the first cause only")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return troubled(err) })
	return cmd
}

// trouble is an error that makes tlab end with status 2: 1 has another meaning.
type trouble struct{ error }

func (t trouble) Unwrap() error { return t.error }

func troubled(err error) error {
	if err == nil {
		return nil
	}
	return trouble{err}
}

// diff prints how the runs of two receipts differ.
func diff(a, b string, quiet bool, out io.Writer) error {
	first, err := receiptAt(a)
	if err != nil {
		return troubled(err)
	}
	second, err := receiptAt(b)
	if err != nil {
		return troubled(err)
	}
	c := first.Compare(second)
	if quiet {
		_, err = fmt.Fprintln(out, c.First())
	} else {
		_, err = fmt.Fprintf(out, "A  %s  %s\nB  %s  %s\n%s", a, first.Line(), b, second.Line(), c)
	}
	if err == nil && len(c.Differences) > 0 {
		return errReported // status 1, as diff(1)
	}
	return troubled(err)
}

// receiptAt reads a receipt, and says what to do where there is none.
func receiptAt(path string) (tl.Receipt, error) {
	r, err := tl.ReadReceipt(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("%s: no receipt there; give a folder that Model.Save wrote, or its %s", path, tl.ReceiptFile)
	}
	return r, err
}
