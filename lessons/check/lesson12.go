package check

// lesson12 holds the exercises of lesson 12.
var lesson12 = []Exercise{}
