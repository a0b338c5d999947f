package tl

// The verbs about representations, each with what it takes and gives.
const (
	VerbRepresentBlocks = "represent blocks" // RepresentBlocksRequest → []Representation
	VerbTSNE            = "t-SNE"            // TSNERequest → Projection
	VerbTrust           = "trustworthiness"  // TrustRequest → float64
	VerbProbe           = "probe"            // ProbeRequest → ProbeResult
	VerbNeighbours      = "neighbours"       // NeighboursRequest → Neighbours
)

// Their arguments.
type (
	// RepresentBlocksRequest names blocks; none are all.
	RepresentBlocksRequest struct {
		RepresentRequest
		Blocks []string
	}
	// TSNERequest asks for points in the plane.
	TSNERequest struct {
		RepresentRequest
		TSNE TSNE
	}
	// TrustRequest asks about points that stand for representations, at K neighbours.
	TrustRequest struct {
		RepresentRequest
		Points Tensor
		K      int
	}
	// ProbeRequest asks for a probe; no Labels are those of the data set.
	ProbeRequest struct {
		RepresentRequest
		Labels []int
		Probe  Probe
	}
	// NeighboursRequest asks for the K nearest of these rows; none are all.
	NeighboursRequest struct {
		RepresentRequest
		K    int
		Rows []int
	}
)
