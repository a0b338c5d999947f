package check

// lesson03 holds the exercises of lesson 3.
var lesson03 = []Exercise{}
