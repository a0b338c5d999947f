package fetch

// Report is told how far a step is: done of total bytes, and what is being done. A total of 0 means that only the words
// matter. It is called from one goroutine at a time, some times a second; done equal to total ends a step.
type Report func(done, total int64, what string)

// tell calls a report that may be nil.
func (r Report) tell(done, total int64, what string) {
	if r != nil {
		r(done, total, what)
	}
}
