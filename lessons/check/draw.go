package check

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Draw draws the numbers of a student's variant. The same student gets the same ones for the same exercise, always; no student gets the
// lecture's.
type Draw struct {
	random *rand.Rand // nil draws the lecture's own
}

func newDraw(student, id string) *Draw {
	if student == "" {
		return &Draw{}
	}
	sum := sha256.Sum256([]byte(student + "\x00" + id))
	return &Draw{rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))}
}

// Int is the lecture's number, or one of it and the others by chance.
func (d *Draw) Int(lecture int, others ...int) int { return Pick(d, lecture, others...) }

// Float is the lecture's number, or one of it and the others by chance.
func (d *Draw) Float(lecture float64, others ...float64) float64 { return Pick(d, lecture, others...) }

// Text is the lecture's word, or one of it and the others by chance.
func (d *Draw) Text(lecture string, others ...string) string { return Pick(d, lecture, others...) }

// Pick is the lecture's value, or one of it and the others by chance.
func Pick[T any](d *Draw, lecture T, others ...T) T {
	if d.random == nil || len(others) == 0 {
		return lecture
	}
	if i := d.random.IntN(len(others) + 1); i > 0 {
		return others[i-1]
	}
	return lecture
}
