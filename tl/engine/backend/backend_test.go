package backend

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"transferlab/datasets/fetch"
)

// plugin returns a real XLA plugin, fetched if this machine lacks it.
func plugin(t *testing.T) string {
	t.Helper()
	dir, err := fetch.Unpacked(t.Context(), fetch.XLA, nil)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, fetch.XLALibrary)
}

func TestConfigOfTheUserWins(t *testing.T) {
	t.Setenv(Variable, "xla:/my/own.so")
	config, how, err := Config(t.Context(), nil)
	if config != "xla:/my/own.so" || !strings.Contains(how, Variable) || err != nil {
		t.Errorf("got %q, %q, %v", config, how, err)
	}
}

func TestConfigFromTheWheel(t *testing.T) {
	want := "xla:" + plugin(t)
	t.Setenv(Variable, "")
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	config, how, err := Config(t.Context(), nil)
	if config != want || !strings.Contains(how, fetch.XLA.Version) || err != nil {
		t.Errorf("got %q, %q, %v; want %q", config, how, err, want)
	}
	if err := Check(config); err != nil {
		t.Error(err)
	}
}

func TestInstalledPluginIsFoundAndRubbishIsNot(t *testing.T) {
	real, dir := plugin(t), t.TempDir()
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", dir)
	for name, text := range map[string]string{"pjrt_c_api_cpu_v9_plugin.so": "", "pjrt_c_api_cpu_v8_plugin.so": "\x7fELF rubbish"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := Installed(); got != "" {
		t.Errorf("took %s, which is no plugin", got)
	}
	program, err := os.Executable() // an ELF file without PJRT's entry
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "pjrt_c_api_cpu_v7_plugin.so")); err != nil {
		t.Fatal(err)
	}
	if got := Installed(); got != "" {
		t.Errorf("took %s, which is no plugin", got)
	}
	want := filepath.Join(dir, "pjrt_c_api_cpu_v1_plugin.so")
	if err := os.Symlink(real, want); err != nil {
		t.Fatal(err)
	}
	if got := Installed(); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

// Without a home, a network or Python nothing can be had: the lab goes on in pure Go and says what would help.
func TestConfigFallsBackToPureGo(t *testing.T) {
	for _, name := range []string{Variable, "HOME", "LD_LIBRARY_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	t.Setenv("TLAB_HOME", t.TempDir())
	config, how, err := Config(t.Context(), nil)
	if config != Pure || err != nil {
		t.Fatalf("got %q, %v", config, err)
	}
	for _, want := range []string{"pure Go", "python3 is not on PATH", fetch.XLA.SHA256, "GOMLX_BACKEND=xla:"} {
		if !strings.Contains(how, want) {
			t.Errorf("%q does not say %q", how, want)
		}
	}
}

func TestConfigStopsWithItsContext(t *testing.T) {
	t.Setenv(Variable, "")
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", t.TempDir())
	t.Setenv("TLAB_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if config, _, err := Config(ctx, nil); err == nil {
		t.Errorf("got %q from a cancelled context", config)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	rubbish := filepath.Join(t.TempDir(), "x.so")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]string{
		"go": "", "xla": "", "xla:cpu": "", "xla:" + plugin(t) + ",tf32=false": "",
		"xla:/no/such.so": "no such file", "xla:" + rubbish: "is no library",
	} {
		err := Check(config)
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("Check(%q) = %v, want %q", config, err, want)
		}
	}
}
