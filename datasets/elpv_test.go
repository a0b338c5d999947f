package datasets_test

import (
	"context"
	"testing"

	"transferlab/datasets"
)

// TestELPVEveryFourth pins the split that every accuracy of the lab is measured on.
func TestELPVEveryFourth(t *testing.T) {
	ctx := context.Background()
	rest, test := datasets.Open("elpv").EveryNth(4)
	others, err := rest.Len(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := test.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	class, share := counts.Majority()
	if others != 1968 || counts.Total() != 656 || class != "functional" || share < 0.6975 || share > 0.6985 {
		t.Errorf("%d others, majority %q %.4f\n%s", others, class, share, counts)
	}
}
