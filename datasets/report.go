package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"transferlab/datasets/fetch"
)

type reportKey struct{}

// WithReport is ctx with a function that is told how far a data set is fetched, and its licence on first use, instead of standard
// error. A nil function makes verbs silent.
func WithReport(ctx context.Context, report fetch.Report) context.Context {
	return context.WithValue(ctx, reportKey{}, report)
}

func reporter(ctx context.Context) fetch.Report {
	if report, found := ctx.Value(reportKey{}).(fetch.Report); found {
		return report
	}
	step := ""
	return func(_, total int64, what string) { // a line for each step: standard error may be a terminal, a notebook or a log
		if total > 0 && what == step {
			return
		}
		step = what
		if total > 0 {
			what = fmt.Sprintf("%s (%d MB) …", what, (total+999_999)/1_000_000)
		}
		fmt.Fprintln(os.Stderr, what)
	}
}

// tellOnce says words once for each cache directory. A marker that cannot be written means that they are said again.
func tellOnce(ctx context.Context, name, words string) {
	report := reporter(ctx)
	if report == nil {
		return
	}
	if home, err := fetch.Home(); err == nil {
		marker := filepath.Join(home, "told", name)
		if os.MkdirAll(filepath.Dir(marker), 0o755) == nil {
			file, err := os.OpenFile(marker, os.O_CREATE|os.O_EXCL, 0o644)
			if os.IsExist(err) {
				return
			}
			if err == nil {
				_ = file.Close() // an empty file: its name is all that matters
			}
		}
	}
	report(0, 0, words)
}
