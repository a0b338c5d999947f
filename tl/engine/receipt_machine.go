package engine

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"transferlab/tl"
)

// machine describes what the engine computes on.
func (e *Engine) machine() tl.Machine {
	m := tl.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: processor(), Cores: runtime.NumCPU()}
	if b := e.opened(); b != nil {
		m.Backend = withoutPaths(b.Description())
	}
	return m
}

var absolutePath = regexp.MustCompile(`(?:/[^/\s:,;()\[\]"']+){2,}`)

// withoutPaths leaves of every path its last name: a receipt may be shown to anybody.
func withoutPaths(text string) string {
	return absolutePath.ReplaceAllStringFunc(text, filepath.Base)
}

// processor is the name of the CPU where Linux says it.
var processor = sync.OnceValue(func() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return processorIn(string(text))
})

// processorIn finds the name in what /proc/cpuinfo says; on ARM there are numbers in its place.
func processorIn(text string) string {
	implementer, part := "", ""
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "model name":
			return value
		case "CPU implementer":
			implementer = value
		case "CPU part":
			part = value
		}
	}
	return strings.TrimSpace(implementer + " " + part)
}

// shaping are the modules that results depend on: what computes, what decodes images, what reads weights.
var shaping = []string{"github.com/gomlx/", "golang.org/x/image", "github.com/disintegration/imaging", "gonum.org/v1/gonum", "github.com/nlpodyssey/"}

// versions are those of Go, of this module and of the modules that results depend on, as they are linked into this program.
func versions() map[string]string { return maps.Clone(linked()) }

var linked = sync.OnceValue(func() map[string]string {
	info, found := debug.ReadBuildInfo()
	if !found {
		return map[string]string{"go": runtime.Version()}
	}
	return versionsIn(info)
})

// ours is this module.
const ours = "transferlab"

func versionsIn(info *debug.BuildInfo) map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if info.Main.Path == ours {
		found[ours] = info.Main.Version
	}
	for _, dependency := range info.Deps {
		module := dependency
		if module.Replace != nil {
			module = module.Replace
		}
		for _, prefix := range shaping {
			if strings.HasPrefix(dependency.Path, prefix) {
				found[dependency.Path] = module.Version
			}
		}
		if dependency.Path == ours {
			found[ours] = module.Version
		}
	}
	for _, setting := range info.Settings {
		if info.Main.Path == ours && (setting.Key == "vcs.revision" || setting.Key == "vcs.modified") {
			found[ours+" "+setting.Key] = setting.Value
		}
	}
	if found[ours] == "" {
		found[ours] = "(devel)"
	}
	return found
}
