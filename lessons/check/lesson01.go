package check

// lesson01 holds the exercises of lesson 1.
var lesson01 = []Exercise{}
