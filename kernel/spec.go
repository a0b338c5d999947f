package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SpecName is the kernelspec's name: its folder, and what notebooks carry in metadata.kernelspec.name.
const SpecName = "tlab"

// DisplayName is what a notebook's kernel menu shows.
const DisplayName = "Go (Transfer Learning Lab)"

// Spec is the content of kernel.json.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"` // "message": GoNB itself stops the running program
	Env           map[string]string `json:"env"`
	Metadata      map[string]any    `json:"metadata"`
}

// NewSpec describes a kernel that argv starts; {connection_file} among argv stands for the connection file.
func NewSpec(argv []string, env map[string]string) Spec {
	if env == nil {
		env = map[string]string{}
	}
	return Spec{Argv: argv, DisplayName: DisplayName, Language: "go", InterruptMode: "message", Env: env, Metadata: map[string]any{"debugger": false}}
}

// ReadSpec reads a kernelspec's folder.
func ReadSpec(dir string) (Spec, error) {
	var s Spec
	data, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return s, fmt.Errorf("kernel: read kernelspec: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("kernel: read kernelspec %s: %w", dir, err)
	}
	if len(s.Argv) == 0 || !strings.Contains(strings.Join(s.Argv, "\x00"), "{connection_file}") {
		return s, errors.New("kernel: read kernelspec " + dir + ": argv names no {connection_file}")
	}
	return s, nil
}
