package check

// lesson02 holds the exercises of lesson 2.
var lesson02 = []Exercise{}
