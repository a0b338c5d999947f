package engine

import "testing"

func TestNoSuch(t *testing.T) {
	blocks := []string{"stem", "mbconv1", "mbconv6", "mbconv16", "top"}
	for _, c := range []struct{ noun, name, want string }{
		{"block", "mbconv61", `no block "mbconv61": did you mean mbconv16? (have stem, mbconv1, mbconv6, mbconv16, top)`},
		{"block", "mbcnov16", `no block "mbcnov16": did you mean mbconv16? (have stem, mbconv1, mbconv6, mbconv16, top)`},
		{"block", "fire5", `no block "fire5" (have stem, mbconv1, mbconv6, mbconv16, top)`},
		{"optimizer", "", `no optimizer "" (have stem, mbconv1, mbconv6, mbconv16, top)`},
	} {
		if got := noSuch(c.noun, c.name, blocks).Error(); got != c.want {
			t.Errorf("%s\ninstead of %s", got, c.want)
		}
	}
}
