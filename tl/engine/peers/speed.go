package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Jobs are what the tools are measured at, all with EfficientNet-Lite0's ImageNet weights: the forward pass from 32 and from 16 images of
// 224×224 to the representation; a step of Adam on every weight, batch norm in inference mode and with the batch's statistics; a step
// of Adam on the last 5 MBConv blocks and what is behind them, from what enters them, [32, 14, 14, 112].
var Jobs = []string{"forward 32", "forward 16", "step", "step, batch statistics", "suffix step"}

// Pace is how fast a tool did a job: the median call of one round, without the calls that compile or warm up.
type Pace struct {
	Job       string  `json:"job"`
	Missing   bool    `json:"missing"`   // the tool does not know the job
	Images    int     `json:"images"`    // in a call
	Seconds   float64 `json:"seconds"`   // of a call
	Processor float64 `json:"processor"` // seconds of a call, all cores together; some tools' threads spin while they wait
}

// Runner is a tool as a process that does jobs on demand and costs nothing in between.
type Runner struct {
	Tool    string
	command *exec.Cmd
	jobs    io.WriteCloser
	answers *bufio.Scanner
}

// StartRunner starts a tool; what it says besides its answers goes to log.
func StartRunner(tool string, command *exec.Cmd, log io.Writer) (*Runner, error) {
	command.Stderr = log
	jobs, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("peers: start %s: %w", tool, err)
	}
	return &Runner{Tool: tool, command: command, jobs: jobs, answers: bufio.NewScanner(out)}, nil
}

// Do has the tool do a job once more and returns its pace.
func (r *Runner) Do(job string) (Pace, error) {
	if _, err := fmt.Fprintln(r.jobs, job); err != nil {
		return Pace{}, fmt.Errorf("peers: ask %s for %q: %w", r.Tool, job, err)
	}
	for r.answers.Scan() {
		if !strings.HasPrefix(r.answers.Text(), "{") {
			continue // libraries chat
		}
		var p Pace
		if err := json.Unmarshal(r.answers.Bytes(), &p); err != nil {
			return p, fmt.Errorf("peers: read the answer of %s: %w", r.Tool, err)
		}
		if p.Job != job || !p.Missing && (p.Images < 1 || !(p.Seconds > 0)) {
			return p, fmt.Errorf("peers: %s answered %q to %q", r.Tool, r.answers.Text(), job)
		}
		return p, nil
	}
	return Pace{}, fmt.Errorf("peers: %s ended while it did %q: %w", r.Tool, job, errors.Join(r.answers.Err(), io.ErrUnexpectedEOF))
}

// Close ends the tool's process.
func (r *Runner) Close() error {
	r.jobs.Close()
	return r.command.Wait()
}

// TorchSpeedCommand is PyTorch as a [Runner]'s process, on all cores.
func (p Places) TorchSpeedCommand(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, p.Torch, "torch_speed.py", "--weights", p.Weights, "--pkg", p.TorchPkg, "--threads", strconv.Itoa(runtime.NumCPU()))
}

// KerasSpeedCommand is Keras on TensorFlow as a [Runner]'s process, on weights made by [Places.ConvertWeights].
func (p Places) KerasSpeedCommand(ctx context.Context, weights string) *exec.Cmd {
	command := exec.CommandContext(ctx, p.Keras, "keras_speed.py", "--weights", weights)
	command.Env = append(os.Environ(), "KERAS_BACKEND=tensorflow")
	return command
}

// SpeedTable draws, for each job, images a second of each tool in the median round, processor milliseconds an image, and the first tool's
// speed as a multiple of the others'. paces[tool][job] are the rounds.
func SpeedTable(tools, jobs []string, paces map[string]map[string][]Pace) string {
	var out strings.Builder
	out.WriteString("| job |")
	for _, tool := range tools {
		fmt.Fprintf(&out, " %s, images/s | processor ms/image |", tool)
	}
	for _, tool := range tools[1:] {
		fmt.Fprintf(&out, " × %s |", tool)
	}
	out.WriteString("\n|---|" + strings.Repeat("--:|", 3*len(tools)-1) + "\n")
	for _, job := range jobs {
		fmt.Fprintf(&out, "| %s |", job)
		own, _ := medianPace(paces[tools[0]][job])
		for _, tool := range tools {
			if speed, processor := medianPace(paces[tool][job]); speed > 0 {
				fmt.Fprintf(&out, " %.1f | %.1f |", speed, processor)
			} else {
				out.WriteString(" – | – |")
			}
		}
		for _, tool := range tools[1:] {
			if speed, _ := medianPace(paces[tool][job]); speed > 0 && own > 0 {
				fmt.Fprintf(&out, " %.2f |", own/speed)
			} else {
				out.WriteString(" – |")
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// medianPace is the images a second and the processor milliseconds an image of the round in the middle; zeros where there is none.
func medianPace(rounds []Pace) (speed, processor float64) {
	rounds = slices.DeleteFunc(slices.Clone(rounds), func(p Pace) bool { return p.Missing })
	if len(rounds) == 0 {
		return 0, 0
	}
	slices.SortFunc(rounds, func(a, b Pace) int { return int(1e9 * (a.Seconds/float64(a.Images) - b.Seconds/float64(b.Images))) })
	p := rounds[len(rounds)/2]
	return float64(p.Images) / p.Seconds, 1000 * p.Processor / float64(p.Images)
}
