// Package check asks exercises in a notebook and checks the answers at once.
//
//	check.Ask("02/conv1")                          // prints the question
//	check.Answer("02/conv1", 224)                  // prints the judgement, its reason, the points; a hint after two tries
//	check.Answer("02/formula", "n*(k*k*c) + n")    // a formula, in any form
//	check.Answer("06/head", "b")                   // the letter of a choice
//	check.Answer("02/output", outputSide)          // a func, which is tried on cases
//	check.Predict("07/tuned", 0.85)                // before the cell that measures
//	check.Reveal("07/tuned", evaluation.Accuracy)  // in it, or behind it
//	check.Progress()                               // the table of all exercises
//
// Exercises are practice. Answers do not stand in notebooks, but whoever reads this package's source finds them.
//
// # How to write an exercise
//
// The exercises of lesson NN stand in lessonNN.go, in the order in which the notebook asks them: var lessonNN = []Exercise{…}. Its file
// example_test.go has two worked ones of each kind; begin with a copy. An exercise is an ID, a title of a few words, a func Make that
// draws a variant and returns the question, and samples of answers for the test:
//
//	{
//		ID: "02/conv1", Title: "parameters of Conv1",
//		Make: func(d *Draw) Question {
//			n, k, c := d.Int(8, 4, 12, 16), d.Int(3, 5, 7), 3 // the lecture's own number first
//			return Numeric{
//				Ask:  fmt.Sprintf("Conv1 has %d filters of %d×%d. Its input has %d channels. How many parameters has it?", n, k, k, c),
//				Want: float64(n*(k*k*c) + n),
//				Hint: "One filter looks at k × k × c numbers. What does it have besides one weight for each?",
//				Why:  fmt.Sprintf("%d × (%d×%d×%d) + %d = %d: …", n, k, k, c, n, n*k*k*c+n),
//				Mistakes: []Mistake{
//					{n * k * k * c, "forgot the biases", "A filter adds one more number to its sum.", 0.5},
//					{n*k*k + n, "forgot the depth", "A filter is as deep as its input.", 0.25},
//				},
//			}
//		},
//		Right:    []any{224, "224", 8*27 + 8},
//		Wrong:    []Sample{{216, "biases"}, {80, "depth"}},
//		Nonsense: []any{-1, "many", 1e12},
//	},
//
// Rules, which a test checks for the lecture's variant and for those of a hundred students:
//
//   - Every number comes from the draw; want, mistakes and texts are computed from it, with the formula or with transferlab/tl/count.
//   - The samples are for the lecture's variant (the first of each draw) and are written as plain numbers, not computed: they check the formulas.
//   - Mistakes differ from the right answer, and from each other, in every variant. Leave out of the draw the numbers where they do not.
//   - Name completes "You …": "forgot the biases", "took the stride for the kernel". Why says what to think about, not the answer.
//   - Right, Wrong and Nonsense each have at least one sample (of a Prediction: Right and Nonsense). Nonsense is what no thought leads to: a
//     negative number, a text, a letter that is no choice, a func of another type.
//   - Hint helps and does not give the answer away. Why is shown with the right answer only, and shows the arithmetic.
//   - Keep exercises apart from training: `tlab grade` runs only the cells that declare things and those that answer.
//
// In a lesson, the question and the empty answer stand in cells of their own; nil is "no answer yet" and prints the question again:
//
//	func Example_exerciseConv1() { check.Answer("02/conv1", nil) }
//
// and a prediction stands in the cell before the one that measures: check.Predict("07/tuned", nil), then check.Reveal("07/tuned", accuracy).
// The prose says "Put your answer in place of nil". A lesson calls Ask, Answer, Predict, Reveal and Progress, and nothing else of this
// package: the sandbox of `tlab grade` has only these.
package check
