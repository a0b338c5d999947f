package tl

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestEpochJSON(t *testing.T) {
	epochs := []Epoch{{Loss: 0.1, Accuracy: 1.0 / 3, ValidLoss: math.NaN(), ValidAccuracy: math.NaN(), Seconds: 2.5, ImagesPerSecond: 1e-300}, {ValidLoss: math.Inf(1), Loss: math.Inf(-1),
		Blocks: []BlockRecord{{Block: "head", Rate: 1e-3, Update: math.NaN(), Drift: 0.25}}}}
	text, err := json.Marshal(epochs)
	if err != nil {
		t.Fatal(err)
	}
	var read []Epoch
	if err := json.Unmarshal(text, &read); err != nil || len(read) != 2 {
		t.Fatal(err, read)
	}
	if !strings.Contains(string(text), `"ValidLoss":"NaN"`) || read[0].Accuracy != 1.0/3 || read[0].ValidLoss == read[0].ValidLoss ||
		read[0].ImagesPerSecond != 1e-300 || read[1].ValidLoss != math.Inf(1) || read[1].Loss != math.Inf(-1) ||
		read[0].Blocks != nil || len(read[1].Blocks) != 1 || read[1].Blocks[0].Block != "head" || read[1].Blocks[0].Rate != 1e-3 || !math.IsNaN(read[1].Blocks[0].Update) || read[1].Blocks[0].Drift != 0.25 {
		t.Errorf("%s\n%+v", text, read)
	}
	for _, bad := range []string{`{"Loss":"much"}`, `{"Loss":[1]}`, `[1]`} {
		if err := json.Unmarshal([]byte(bad), new(Epoch)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
