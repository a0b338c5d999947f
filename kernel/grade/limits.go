package grade

import "time"

// Limits are what a submission may take.
type Limits struct {
	Time      time.Duration // in all; 0 is two minutes
	Cell      time.Duration // one cell; 0 is 20 seconds
	Memory    int64         // bytes of all its processes; 0 is 2 GiB
	Disk      int64         // bytes of its /tmp, which is in memory too; 0 is 512 MiB
	Processes int           // its processes, threads not counted; 0 is 200
}

func (l Limits) orDefault() Limits {
	set := func(have *int64, usual int64) {
		if *have <= 0 {
			*have = usual
		}
	}
	if l.Time <= 0 {
		l.Time = 2 * time.Minute
	}
	if l.Cell <= 0 {
		l.Cell = 20 * time.Second
	}
	set(&l.Memory, 2<<30)
	set(&l.Disk, 512<<20)
	if l.Processes <= 0 {
		l.Processes = 200
	}
	return l
}

// crowd is the processes of a sandbox: bubblewrap's, and those in the process namespace of its child, or of a user of their own.
type crowd struct {
	pid  int
	user int // 0: they are told by their namespace
}
