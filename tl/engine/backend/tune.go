package backend

import (
	"os"
	"strings"
)

// Flags are the options of XLA's compiler that [Tune] sets for the plugin of [fetch.XLA]. XLA ends the process where it does not know
// one, so they are for this plugin only.
//
// Measured with EfficientNet-Lite0 on 2 cores with AVX-512 (milliseconds of processor time an image, memory as Tune leaves it): the
// forward pass takes 12.5 with vectors of 512 bits and 13.1 with XLA's own 256; a training step of the last 5 blocks 11.4 and 12.8.
// What changes nothing beyond the measurement's 5 %: --xla_cpu_enable_fast_math, --xla_cpu_use_onednn,
// --xla_cpu_experimental_onednn_custom_call, --xla_cpu_copy_insertion_use_region_analysis, --xla_cpu_experimental_xnn_fusion_type.
// Worse: --xla_cpu_experimental_ynn_fusion_type=…DOT 14.4, with ELTWISE and REDUCE 47.8 and four times as long to compile.
const Flags = "--xla_cpu_prefer_vector_width=512"

// flagsVariable is where XLA reads its options, once, when the plugin is loaded.
const flagsVariable = "XLA_FLAGS"

// Tune prepares this process for the backend of that configuration. Call it before the backend is made; what it does lasts.
//
// XLA asks for the memory of every run anew. glibc's malloc answers large requests with fresh pages that the kernel has to clear,
// one fault for every 4 kB: a third of the time of EfficientNet-Lite0's forward pass and half of a training step. Tune makes malloc
// keep what was freed, so that the next run finds its pages in place: 18.4 milliseconds of processor time an image become 12.8,
// in sub-batches of 4, and a step with batch statistics, of more than 2 GiB, takes 1.5 seconds in place of 2.0. [Trim] gives the memory back, and
// has to be called now and then: where something small has settled in what a run freed, the next run takes new memory. [TrimAbove] does it.
//
// The user's own XLA_FLAGS stay as they are.
func Tune(config string) {
	if strings.HasPrefix(config, Pure) {
		return
	}
	keepFreed()
	if _, set := os.LookupEnv(flagsVariable); !set && config != "" && config == wheelConfig() {
		os.Setenv(flagsVariable, Flags)
	}
}

// Trim gives the memory that malloc kept for later back to the system. It takes milliseconds; the next run takes a little longer.
func Trim() { trim() }
