package tl

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
)

func TestDriftTable(t *testing.T) {
	d := Drift{Model: "cells", Base: "efficientnet_lite0", Data: "elpv", Images: 512, Blocks: []BlockDrift{
		{Block: "stem", Stage: "stem", Frozen: true, CKA: 1}, {Block: "mbconv16", Stage: "stage7", L2: 0.01234, CKA: 0.98765}, {Block: "top", Stage: "stage7", L2: math.Inf(1), CKA: math.NaN()}}}
	want := `cells: drift of efficientnet_lite0 from its pretrained weights, CKA on 512 images (elpv)
block     stage           ‖w−w₀‖/‖w₀‖    CKA
stem      stem    frozen            0  1.000
mbconv16  stage7                0.012  0.988
top       stage7                 +Inf      –
`
	if got := d.String(); got != want {
		t.Errorf("\n%s\ninstead of\n%s", got, want)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Drift
	if err := json.Unmarshal(text, &back); err != nil || !math.IsNaN(back.Blocks[2].CKA) {
		t.Fatalf("%s: %v", text, err)
	}
	d.Blocks[2].CKA, back.Blocks[2].CKA = 0, 0
	if !reflect.DeepEqual(d, back) {
		t.Errorf("%+v became %+v", d, back)
	}
}
