package engine

import (
	"testing"

	"transferlab/tl"
)

// BenchmarkCheckpoint is what the checkpoint of an epoch costs, hashed and written whole, in the background of the training.
func BenchmarkCheckpoint(b *testing.B) {
	for _, c := range []struct {
		name   string
		blocks int
	}{{"head", 0}, {"top 5 blocks", 5}, {"whole network", 18}} {
		b.Run(c.name, func(b *testing.B) {
			e, err := New(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			m := lite.WithHead("cost", tl.Dense(2))
			t, err := e.model(quiet(), m)
			if err != nil {
				b.Fatal(err)
			}
			defer t.gate.Unlock()
			for i := 1; b.Loop(); i++ {
				b.StopTimer()
				epoch := map[string]*value{}
				for path, v := range t.suffixValues(len(t.base.Blocks) - c.blocks) {
					epoch[path] = newValue(v.Shape, append([]float32{}, v.Data...))
					epoch[path].Data[0] += float32(i)
					t.values[path] = epoch[path]
				}
				t.epochs = []*moment{newMoment(epoch)}
				b.StartTimer()
				s, err := t.snapshot(nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := e.state.put(s); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(e.state.bytes(s.key)), "bytes/epoch")
			}
		})
	}
}
