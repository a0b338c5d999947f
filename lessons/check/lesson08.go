package check

// lesson08 holds the exercises of lesson 8.
var lesson08 = []Exercise{}
