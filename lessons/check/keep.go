package check

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"transferlab/lessons/check/answer"
)

// triesBeforeHint is how many answers may be wrong before a hint comes with the judgement.
const triesBeforeHint = 2

// kept is what is remembered of an exercise between cells, which are processes, and between days.
type kept struct {
	Student   string       `json:"student"`
	ID        string       `json:"id"`
	Tries     int          `json:"tries"`  // answers that were understood and not right, the same one twice in a row counted once
	Credit    float64      `json:"credit"` // the best so far
	Right     bool         `json:"right"`
	Last      answer.Given `json:"last"`
	Predicted *float64     `json:"predicted,omitempty"`
	Measured  *float64     `json:"measured,omitempty"` // at the first Reveal
}

// take notes a judged answer.
func (k *kept) take(g answer.Given, r Ruling) {
	if (r.Status == Wrong || r.Status == Partly) && !reflect.DeepEqual(g, k.Last) {
		k.Tries++
	}
	if r.Status != NotUnderstood {
		k.Last = g
	}
	k.Credit = max(k.Credit, r.Credit)
	k.Right = k.Right || r.Status == Right
}

// progressDir is a folder of the lab's cache directory, which the repository has no part in; "" where there is none. It is the rule of
// datasets/fetch, which cells do not link for this.
func progressDir() string {
	home := os.Getenv("TLAB_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		home = filepath.Join(cache, "transferlab")
	}
	return filepath.Join(home, "progress")
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)

// folder is a name that is safe as a folder's, and of one student only.
func folder(student string) string {
	switch {
	case student == "":
		return "lecture"
	case plainName.MatchString(student) && student == strings.ToLower(student) && student != "lecture":
		return student
	}
	return fmt.Sprintf("student-%x", sha256.Sum256([]byte(student)))[:24]
}

func (d desk) file(id string) string {
	return filepath.Join(d.dir, folder(d.student), strings.ReplaceAll(id, "/", "-")+".json")
}

// load returns what is remembered, or a new leaf where nothing is, or nothing that can be read.
func (d desk) load(id string) kept {
	fresh := kept{Student: d.student, ID: id}
	data, err := os.ReadFile(d.file(id))
	if err != nil {
		if d.dir != "" && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(d.out, "check: read earlier tries: %v; starting anew\n", err)
		}
		return fresh
	}
	var k kept
	if json.Unmarshal(data, &k) != nil || k.ID != id {
		fmt.Fprintf(d.out, "check: %s is damaged; starting this exercise anew\n", d.file(id))
		return fresh
	}
	return k
}

// save remembers an exercise: a whole file or none. What cannot be saved is said; the judgement stands all the same.
func (d desk) save(k kept) {
	if err := d.write(k); err != nil {
		fmt.Fprintf(d.out, "check: keep this try: %v; the next cell will not know of it. Set TLAB_HOME to a folder that you may write\n", err)
	}
}

func (d desk) write(k kept) error {
	if d.dir == "" {
		return errors.New("no cache directory is known")
	}
	data, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return err
	}
	path := d.file(k.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".try-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
