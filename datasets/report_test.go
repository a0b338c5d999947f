package datasets

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"transferlab/datasets/fetch"
)

// TestLicenceOnce: the licence is said on the first use of a cache directory and never again; a silent context does not use it up.
func TestLicenceOnce(t *testing.T) {
	t.Setenv("TLAB_HOME", t.TempDir())
	var told []string
	ctx := WithReport(context.Background(), func(_, _ int64, what string) { told = append(told, what) })
	tellOnce(WithReport(ctx, nil), "elpv", elpvNotice)
	for range 3 {
		tellOnce(ctx, "elpv", elpvNotice)
	}
	if !slices.Equal(told, []string{elpvNotice}) {
		t.Errorf("told %q", told)
	}
	tellOnce(ctx, "other", "x")
	if len(told) != 2 {
		t.Errorf("another licence was not told: %q", told)
	}
	t.Setenv("TLAB_HOME", t.TempDir())
	tellOnce(ctx, "elpv", elpvNotice)
	if len(told) != 3 {
		t.Errorf("not told for another cache directory: %q", told)
	}
	if !strings.Contains(fetch.ELPV.Licence, "CC BY-NC-SA 4.0") || !strings.Contains(elpvNotice, "CC BY-NC-SA 4.0") {
		t.Error("the notice and the manifest name different licences")
	}
}

// TestReportOnStandardError: each step is one line, however often it is reported.
func TestReportOnStandardError(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	old := os.Stderr
	os.Stderr = file
	report := reporter(context.Background())
	for done := range int64(5) {
		report(done, 2_500_000, "fetching x")
	}
	report(0, 0, "licence")
	os.Stderr = old
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	if err != nil || string(text) != "fetching x (3 MB) …\nlicence\n" {
		t.Errorf("%q, %v", text, err)
	}
}
