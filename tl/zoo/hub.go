package zoo

// Files of the hub of models from which timm and others publish weights, by github.com/gomlx/go-huggingface (v0.4.0, Apache-2.0). The library
// knows the hub's address and what it says of a file; three things it does not do: it takes a transfer that breaks for a file that arrived
// (its Download returns the error of another call), it never compares what arrived with the checksum that the hub gives, and it tells
// nobody but the standard output how far it is. So it works in a folder of its own, and a file is taken out of it when it is whole.

import (
	"context"
	"crypto/sha1" // of git, for files that are not stored by checksum
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/go-huggingface/hub"

	"transferlab/datasets/fetch"
)

// hubFiles are the names under which repositories publish weights, the one that is read with the least work first.
var hubFiles = []string{"model.safetensors", "pytorch_model.bin", "model.weights.h5", "model.h5", "model.keras", "model.onnx"}

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)
	commitHash     = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
	hubTimeout     = 30 * time.Second // for what the hub says of a repository; a file may take as long as it moves
)

// Hub returns the place of a file of weights of a repository of the hub, "timm/resnet50.a1_in1k". The first time it is fetched, and compared
// with the checksum and the size that the hub gives; it is kept in the folder hub of [fetch.Home], and a file that lies there is used without
// any network, whoever put it there. file "" is the repository's weights under their usual name. report may be nil; it gets the time left. An
// error says which file to put where. The environment variable HF_ENDPOINT names another server with the same interface.
func Hub(ctx context.Context, repository, file string, report fetch.Report) (string, error) {
	if !repositoryName.MatchString(repository) || strings.Contains(repository, "..") {
		return "", fmt.Errorf("zoo: get weights from the hub: %q is no repository: want \"owner/name\", as \"timm/resnet50.a1_in1k\"", repository)
	}
	if file != "" && (!fs.ValidPath(file) || file == "." || strings.HasPrefix(path.Base(file), ".")) {
		return "", fmt.Errorf("zoo: get weights from the hub: %q is no file of a repository", file)
	}
	home, err := fetch.Home()
	if err != nil {
		return "", err
	}
	h := hubPlace{repository: repository, folder: filepath.Join(home, "hub", strings.ReplaceAll(repository, "/", "--")), report: report}
	if place, found := h.kept(file); found {
		return place, nil
	}
	unlock, err := fetch.Lock(ctx, "hub-"+filepath.Base(h.folder), report)
	if err != nil {
		return "", err
	}
	defer unlock()
	if place, found := h.kept(file); found { // whoever held the lock before us may have fetched it
		return place, nil
	}
	place, err := h.bring(ctx, file)
	if err != nil {
		return "", h.explain(file, err)
	}
	return place, nil
}

// hubPlace is where the files of a repository are kept.
type hubPlace struct {
	repository, folder string
	report             fetch.Report
}

// kept finds a file that is there; "" is any of the usual ones, or the only one that is.
func (h hubPlace) kept(file string) (string, bool) {
	names := []string{filepath.FromSlash(file)}
	if file == "" {
		names = slices.Clone(hubFiles)
		others, _ := filepath.Glob(filepath.Join(h.folder, "[^.]*"))
		if len(others) == 1 {
			names = append(names, filepath.Base(others[0]))
		}
	}
	for _, name := range names {
		place := filepath.Join(h.folder, name)
		if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
			return place, true
		}
	}
	return "", false
}

// bring fetches a file into a temporary folder, checks it there and renames it to its place. Only a holder of the lock writes here, so
// whatever such a folder holds is a dead run's.
func (h hubPlace) bring(ctx context.Context, file string) (string, error) {
	part := filepath.Join(h.folder, ".part")
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := os.MkdirAll(part, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	repo := hub.New(h.repository).WithCacheDir(part).WithProgressBar(false)
	repo.Verbosity = 0
	h.tell(0, 0, "asking the hub for "+h.repository)
	if err := within(ctx, hubTimeout, func() error { return repo.DownloadInfo(true) }); err != nil {
		return "", err
	}
	if commit := repo.Info().CommitHash; !commitHash.MatchString(commit) { // the library makes a folder of that name
		return "", fmt.Errorf("the hub names the commit %.100q", commit)
	}
	info, err := wanted(repo, file)
	if err != nil {
		return "", err
	}
	place := filepath.Join(h.folder, filepath.FromSlash(info.Name))
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return "", err
	}
	arrived, err := h.download(ctx, repo, info, part)
	if err != nil {
		return "", err
	}
	if err := verify(arrived, info); err != nil {
		return "", fmt.Errorf("%s: %w", info.Name, err)
	}
	return place, os.Rename(arrived, place)
}

// download runs the library and reports how far the file in its folder is.
func (h hubPlace) download(ctx context.Context, repo *hub.Repo, info *hub.FileInfo, part string) (string, error) {
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		start, tick := time.Now(), time.NewTicker(200*time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				size := largest(part)
				h.tell(size, sizeOf(info), "fetching "+info.Name+left(size, sizeOf(info), time.Since(start)))
			}
		}
	}()
	var link string
	err := within(ctx, 24*time.Hour, func() (err error) {
		link, err = repo.DownloadFileCtx(ctx, info.Name)
		return err
	})
	close(done)
	<-watched
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", err
	}
	h.tell(sizeOf(info), sizeOf(info), "fetched "+info.Name)
	arrived, err := filepath.EvalSymlinks(link)
	if errors.Is(err, fs.ErrNotExist) { // the library's error of a transfer that breaks is nil
		return "", fmt.Errorf("%s: the transfer broke off", info.Name)
	}
	return arrived, err
}

// left is the time that is left at the speed so far, as text.
func left(done, total int64, took time.Duration) string {
	if done <= 0 || total <= done || took < time.Second {
		return ""
	}
	rest := time.Duration(float64(took) * float64(total-done) / float64(done))
	return fmt.Sprintf(", %s left", rest.Round(time.Second))
}

// largest is the size of the largest file below a folder: the one that arrives.
func largest(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was there a moment ago
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size = max(size, info.Size())
		}
		return nil
	})
	return size
}

// within runs what takes no context, and leaves it alone when time is up.
func within(ctx context.Context, limit time.Duration, f func() error) error {
	answer := make(chan error, 1)
	go func() { answer <- f() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return fmt.Errorf("no answer within %v", limit)
	}
}

// wanted finds a file among those of the repository.
func wanted(repo *hub.Repo, file string) (*hub.FileInfo, error) {
	var names []string
	files := map[string]*hub.FileInfo{}
	for info, err := range repo.IterFileInfos() {
		if err != nil {
			return nil, err
		}
		if info != nil && fs.ValidPath(info.Name) {
			names, files[info.Name] = append(names, info.Name), info
		}
	}
	choices := []string{file}
	if file == "" {
		choices = hubFiles
	}
	for _, name := range choices {
		if info := files[name]; info != nil {
			return info, nil
		}
	}
	if len(names) > 12 {
		names = append(names[:12], "…")
	}
	return nil, fmt.Errorf("%w %s: it has %s", errNoSuchFile, strings.Join(choices, " or "), strings.Join(names, ", "))
}

var errNoSuchFile = errors.New("the repository has no file")

func sizeOf(info *hub.FileInfo) int64 {
	if info.LFS != nil && info.LFS.Size > 0 {
		return info.LFS.Size
	}
	return info.Size
}

// verify compares a file with what the hub says of it: large ones have a SHA-256, small ones git's name of their content.
func verify(place string, info *hub.FileInfo) error {
	in, err := os.Open(place)
	if err != nil {
		return err
	}
	defer in.Close()
	stat, err := in.Stat()
	if err != nil {
		return err
	}
	if want := sizeOf(info); want > 0 && stat.Size() != want {
		return fmt.Errorf("%d bytes arrived, the hub says %d", stat.Size(), want)
	}
	var sum hash.Hash
	var want, kind string
	switch {
	case info.LFS != nil && info.LFS.SHA256 != "":
		sum, want, kind = sha256.New(), info.LFS.SHA256, "SHA-256"
	case info.LFS == nil && info.BlobID != "":
		sum, want, kind = sha1.New(), info.BlobID, "git name"
		fmt.Fprintf(sum, "blob %d\x00", stat.Size())
	case sizeOf(info) == 0:
		return errors.New("the hub says neither its size nor its checksum")
	default:
		return nil
	}
	if _, err := io.Copy(sum, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("its %s is %s, the hub says %s", kind, got, want)
	}
	return nil
}

// explain says what a person can do.
func (h hubPlace) explain(file string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("zoo: get weights from the hub: %w", err)
	}
	if errors.Is(err, errNoSuchFile) {
		return fmt.Errorf("zoo: get weights of %s from the hub: %w", h.repository, err)
	}
	if file == "" {
		file = hubFiles[0]
	}
	return fmt.Errorf("zoo: get weights of %s from the hub: %w\n\tremedy: connect to a network that reaches the hub, or put the file %s of that repository there:"+
		"\n\t%s", h.repository, firstLine(err), path.Base(file), filepath.Join(h.folder, filepath.FromSlash(file)))
}

// firstLine is an error without the stacks that the library prints into it.
func firstLine(err error) error {
	text, _, more := strings.Cut(err.Error(), "\n")
	if !more {
		return err
	}
	return errors.New(text)
}

func (h hubPlace) tell(done, total int64, what string) {
	if h.report != nil {
		h.report(done, total, what)
	}
}
