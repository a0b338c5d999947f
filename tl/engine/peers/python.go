package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"transferlab/datasets/fetch"
)

// Options are the recipe's, for every tool alike. The defaults are those of recipe.py.
type Options struct {
	HeadEpochs int // passes over the training rows with the whole base frozen
	TuneEpochs int // passes with the last blocks unfrozen
	Unfreeze   int // how many of the last MBConv blocks; the convolution after them always comes along
	Seed       int
}

// Places are where the files and programs of the peers stand on this machine.
type Places struct {
	ELPV     string // the folder of labels.csv
	Weights  string // the .pth file
	Torch    string // a Python that has PyTorch
	TorchPkg string // the folder of efficientnet_lite_pytorch
	Keras    string // a Python that has Keras and TensorFlow
}

// Find fetches the data and weights if need be, and says where peers are looked for: in the folder $TLAB_PEERS, else peers in the lab's
// cache directory; PyTorch in the Python $TLAB_PEERS_TORCH, else Debian's. It does not check that the peers are there.
func Find(ctx context.Context) (Places, error) {
	data, err := fetch.Unpacked(ctx, fetch.ELPV, nil)
	if err != nil {
		return Places{}, fmt.Errorf("peers: find the solar cells: %w", err)
	}
	weights, err := fetch.Unpacked(ctx, fetch.EfficientNetLite0, nil)
	if err != nil {
		return Places{}, fmt.Errorf("peers: find the weights: %w", err)
	}
	folder := os.Getenv("TLAB_PEERS")
	if folder == "" {
		home, err := fetch.Home()
		if err != nil {
			return Places{}, err
		}
		folder = filepath.Join(home, "peers")
	}
	torch := os.Getenv("TLAB_PEERS_TORCH")
	if torch == "" {
		torch = "/usr/bin/python3"
	}
	return Places{
		ELPV:     filepath.Join(data, "elpv_dataset", "data"),
		Weights:  filepath.Join(weights, filepath.FromSlash(fetch.EfficientNetLite0Weights)),
		Torch:    torch,
		TorchPkg: filepath.Join(folder, "torch"),
		Keras:    filepath.Join(folder, "keras", "bin", "python"),
	}, nil
}

// ErrMissing is wrapped by the errors of peers that are not set up on this machine.
var ErrMissing = errors.New("not set up (see tl/engine/peers/README.md)")

// CheckTorch returns nil if the PyTorch peer can run.
func (p Places) CheckTorch(ctx context.Context) error {
	return check(ctx, "PyTorch", p.Torch, "import sys; sys.path.insert(0, sys.argv[1]); import torch, PIL, efficientnet_lite_pytorch", p.TorchPkg)
}

// CheckKeras returns nil if the Keras peer can run, its weights aside, which PyTorch converts.
func (p Places) CheckKeras(ctx context.Context) error {
	if err := check(ctx, "Keras", p.Keras, "import keras, tensorflow, PIL"); err != nil {
		return err
	}
	if err := check(ctx, "PyTorch", p.Torch, "import torch"); err != nil {
		return fmt.Errorf("peers: convert the weights for Keras: %w", err)
	}
	return nil
}

func check(ctx context.Context, tool, python, program string, args ...string) error {
	command := exec.CommandContext(ctx, python, append([]string{"-c", program}, args...)...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("peers: %s %w: %s: %w %s", tool, ErrMissing, python, err, lastLine(out))
	}
	return nil
}

// TorchCommand is the PyTorch peer with o. The working directory must be this package's folder, as it is under go test.
func (p Places) TorchCommand(ctx context.Context, o Options) *exec.Cmd {
	args := append([]string{"torch_transfer.py", "--weights", p.Weights, "--pkg", p.TorchPkg,
		"--threads", strconv.Itoa(runtime.NumCPU())}, o.args(p)...)
	return exec.CommandContext(ctx, p.Torch, args...)
}

// KerasCommand is the Keras peer with o on weights made by [Places.ConvertWeights]; cached runs
// the frozen network only once for the head. The working directory must be this package's folder.
func (p Places) KerasCommand(ctx context.Context, o Options, weights string, cached bool) *exec.Cmd {
	args := append([]string{"keras_transfer.py", "--weights", weights}, o.args(p)...)
	if cached {
		args = append(args, "--cached")
	}
	command := exec.CommandContext(ctx, p.Keras, args...)
	command.Env = append(os.Environ(), "KERAS_BACKEND=tensorflow")
	return command
}

// ConvertWeights writes the weights as the .npz file that the Keras peer reads.
func (p Places) ConvertWeights(ctx context.Context, to string) error {
	out, err := exec.CommandContext(ctx, p.Torch, "pth_to_npz.py", p.Weights, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("peers: convert %q: %w: %s", p.Weights, err, lastLine(out))
	}
	return nil
}

func (o Options) args(p Places) []string {
	return []string{"--elpv", p.ELPV, "--epochs-head", strconv.Itoa(o.HeadEpochs), "--epochs-tune", strconv.Itoa(o.TuneEpochs),
		"--unfreeze", strconv.Itoa(o.Unfreeze), "--seed", strconv.Itoa(o.Seed)}
}

// Run runs a tool to its end and returns its receipt, with the times of the whole process. What it says on the way goes to log.
func Run(tool string, command *exec.Cmd, log io.Writer) (Receipt, error) {
	var out bytes.Buffer
	var complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, io.MultiWriter(&complaints, log)
	start := time.Now()
	if err := command.Run(); err != nil {
		return Receipt{}, fmt.Errorf("peers: run %s: %w: %s", tool, err, lastLine(complaints.Bytes()))
	}
	wall := time.Since(start).Seconds()
	r, err := parse(tool, out.String())
	r.Wall = wall
	r.Processor = (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
	return r, err
}

func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[bytes.LastIndexByte(out, '\n')+1:]
}
