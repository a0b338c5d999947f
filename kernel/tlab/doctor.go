package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"transferlab/kernel/setup"
	"transferlab/tl/count"
	"transferlab/tl/engine"
	"transferlab/tl/engine/backend"
)

// doctorCommand looks at every part of the lab and runs one computation.
func doctorCommand() *cobra.Command {
	var compute bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check every part of the lab, with a remedy for each that fails",
		Long: `doctor reads every program and file that set-up made, compares it with its checksum, and lets XLA compute once. It fetches, makes and
mends nothing. It ends with status 1 if something that a notebook needs fails.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if compute {
				return computeOnce(cmd.Context(), cmd.OutOrStdout())
			}
			return examine(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&compute, "compute", false, "only compute, in this process")
	_ = cmd.Flags().MarkHidden("compute") // fails only for a flag that does not exist
	return cmd
}

// marks of a part's state, all of one width.
const (
	good   = "ok     "
	absent = "absent "
	bad    = "FAILS  "
	indent = "       "
)

func examine(ctx context.Context, out io.Writer) error {
	lab, err := setup.Find()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%stlab of %s, built by %s for %s/%s\n%scache directory %s\n",
		indent, lab.Module, runtime.Version(), runtime.GOOS, runtime.GOARCH, indent, lab.Home)
	failed := 0
	for _, f := range lab.Inspect(ctx) {
		failed += show(out, f)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	failed += show(out, computation(ctx, lab))
	failed += show(out, activations())
	if gpu := lab.GPU(); gpu != "" {
		fmt.Fprintln(out, "note   "+strings.ReplaceAll(gpu, "\n", "\n"+indent))
	}
	if failed > 0 {
		fmt.Fprintf(out, "\n%d of these parts must be mended before notebooks run.\n", failed)
		return errReported
	}
	fmt.Fprintln(out, "\nAll that notebooks need is here.")
	return nil
}

// show prints a finding and returns 1 if it is a failure.
func show(out io.Writer, f setup.Finding) int {
	mark := map[setup.State]string{setup.Good: good, setup.Absent: absent, setup.Bad: bad}[f.State]
	fmt.Fprintln(out, strings.TrimSpace(mark+f.Name+" "+f.Version))
	detail := func(label, text string) {
		if text != "" {
			fmt.Fprintf(out, "%s%s%s\n", indent, label, strings.ReplaceAll(text, "\n", "\n"+indent))
		}
	}
	if f.State != setup.Absent {
		detail("", f.Place)
		detail("sha256 ", f.SHA256)
	}
	detail("", f.Note)
	if f.State != setup.Bad {
		return 0
	}
	detail("", f.Err.Error())
	detail("remedy: ", f.Remedy)
	return 1
}

// activations says how much of the disk the engine's activations take.
func activations() setup.Finding {
	f := setup.Finding{Name: "activations"}
	bytes, limit, err := engine.Activations()
	if err != nil {
		f.State, f.Err, f.Remedy = setup.Bad, err, "unset "+engine.ActivationsVariable
		return f
	}
	f.Note = fmt.Sprintf("%s of at most %s on disk; %s sets the limit", count.BytesText(bytes), count.BytesText(limit), engine.ActivationsVariable)
	return f
}

// computeTimeout bounds the one computation: a plugin that does not fit may hang.
const computeTimeout = time.Minute

// computation lets a child compute once: a fault in XLA's C++ ends that, and not this report.
func computation(ctx context.Context, lab *setup.Lab) setup.Finding {
	f := setup.Finding{Name: "computation"}
	if lab.Backend == "" {
		f.State, f.Err, f.Remedy = setup.Bad, fmt.Errorf("there is nothing to compute with"), "`tlab run` or `tlab lab` fetches XLA"
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, computeTimeout)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		f.State, f.Err = setup.Bad, err
		return f
	}
	cmd := exec.CommandContext(ctx, self, "doctor", "--compute")
	cmd.Env = append(os.Environ(), backend.Variable+"="+lab.Backend, backend.NoInstall+"=1")
	var words, faults strings.Builder
	cmd.Stdout, cmd.Stderr = &words, &faults
	if err := cmd.Run(); err != nil {
		f.State, f.Err = setup.Bad, fmt.Errorf("%w: %s", err, firstLines(faults.String(), 4))
		f.Remedy = "unset GOMLX_BACKEND if it is set; else remove " + lab.Home + "/unpacked and start `tlab run` again"
		return f
	}
	path := strings.TrimPrefix(lab.Backend, "xla:") // stands in full above
	f.Note = strings.TrimSpace(strings.ReplaceAll(words.String(), path, filepath.Base(path)))
	return f
}

// computeOnce is the child's part.
func computeOnce(ctx context.Context, out io.Writer) error {
	test, err := engine.SelfTest(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, devices: %d, opened, compiled and computed in %.2f s\n", test.Backend, test.Devices, test.Took.Seconds())
	return nil
}

// firstLines returns at most n lines of text: a crash of C++ prints hundreds.
func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[:min(n, len(lines))], "\n")
}
