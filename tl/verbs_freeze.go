package tl

// VerbUnfreezeFrom leaves a block and all behind it unfrozen: UnfreezeFromRequest → Summary.
const VerbUnfreezeFrom = "unfreeze from"

// UnfreezeFromRequest names the first unfrozen block, or its stage.
type UnfreezeFromRequest struct {
	Model Model
	Block string
}
