package kernel

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limits are what a cell may take. %limit shows and changes them.
type limits struct {
	mu     sync.Mutex
	memory int64 // bytes of all of a cell's processes; 0: four fifths of what is free when the cell starts
	output int64 // bytes of text
}

// outputBytes is the default limit of a cell's text: more than anybody reads, less than what makes a browser slow.
const outputBytes = 4 << 20

func newLimits() *limits { return &limits{output: outputBytes} }

// memoryNow is the limit for a cell that starts now; 0 is none, on systems that do not say what is free.
func (l *limits) memoryNow() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.memory > 0 {
		return l.memory
	}
	return freeMemory() / 5 * 4
}

func (l *limits) outputNow() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.output
}

// set takes "memory=8GB", "output=50MB", "memory=auto".
func (l *limits) set(arg string) error {
	name, value, found := strings.Cut(arg, "=")
	if !found {
		return fmt.Errorf("kernel: %%limit %q: want memory=8GB or output=50MB", arg)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if name == "memory" && value == "auto" {
		l.memory = 0
		return nil
	}
	n, err := ParseBytes(value)
	if err != nil {
		return fmt.Errorf("kernel: %%limit %s: %w", name, err)
	}
	switch name {
	case "memory":
		l.memory = n
	case "output":
		l.output = n
	default:
		return fmt.Errorf("kernel: %%limit %q: no such limit (have memory, output)", name)
	}
	return nil
}

func (l *limits) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	memory := "auto (four fifths of what is free when a cell starts, now " + bytesText(freeMemory()/5*4) + ")"
	if l.memory > 0 {
		memory = bytesText(l.memory)
	}
	return "memory=" + memory + "\noutput=" + bytesText(l.output) + "\n"
}

// ParseBytes reads "512MB", "8 GB", "1000000".
func ParseBytes(text string) (int64, error) {
	number := strings.TrimRight(text, "kKMGTiBb ")
	unit := strings.ToUpper(strings.TrimSpace(text[len(number):]))
	scale, known := map[string]float64{"": 1, "B": 1, "K": 1e3, "KB": 1e3, "M": 1e6, "MB": 1e6, "G": 1e9, "GB": 1e9, "T": 1e12, "TB": 1e12,
		"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}[unit]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !known || !(n*scale >= 1 && n*scale <= 1e15) {
		return 0, fmt.Errorf("%q is no number of bytes (write 8GB or 500MB)", text)
	}
	return int64(n * scale), nil
}

// watchMemory stops a cell whose processes together hold more than the limit: the machine's own killer might take the engine, or the browser.
func (p *proxy) watchMemory(now *run) {
	limit := p.limits.memoryNow()
	if limit <= 0 {
		return
	}
	for pause := 50 * time.Millisecond; ; pause = min(pause+5*time.Millisecond, time.Second/5) {
		select {
		case <-now.done:
			return
		case <-time.After(pause):
		}
		var sum int64
		for _, process := range p.cellProcesses(now.began) {
			sum += process.rss()
		}
		if sum > limit {
			p.stop(now, fmt.Sprintf("the cell held %s of memory; its limit is %s (%%limit memory=… changes it)", bytesText(sum), bytesText(limit)))
			return
		}
	}
}

// freeMemory is what programs can still take, in bytes: of the machine, or of the container if that has less. 0 if the system does not say.
func freeMemory() int64 {
	free := int64(0)
	data, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(data)) {
		if rest, found := strings.CutPrefix(line, "MemAvailable:"); found {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			free = kilobytes << 10
		}
	}
	limit, errLimit := readNumber("/sys/fs/cgroup/memory.max")
	used, errUsed := readNumber("/sys/fs/cgroup/memory.current")
	if errLimit == nil && errUsed == nil && (free == 0 || limit-used < free) {
		free = max(limit-used, 1<<28)
	}
	return free
}

func readNumber(file string) (int64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64) // "max" is none, and an error
}
