package check

// lesson06 holds the exercises of lesson 6.
var lesson06 = []Exercise{}
