// What a reader can set on each kind of layer. zero is what a field that is left out means.
const kinds = (() => {
  const number = (key, label, least, most, zero) => ({type: "number", key, label, least, most, zero});
  const flag = (key, label, inverse) => ({type: "flag", key, label, inverse});
  const choice = (key, label, options) => ({type: "choice", key, label, options});
  const filters = number("filters", "filters", 1, 64), kernel = number("kernel", "kernel", 1, 11), stride = number("stride", "stride", 1, 4, 1);
  const padding = choice("padding", "padding", ["same", "valid (none)", "explicit"]);
  const border = Object.assign(number("border", "zeros on each side", 0, 8, 0), {shown: l => l.padding === 2});
  const bias = flag("noBias", "bias", true), units = number("units", "units", 1, 64), frozen = flag("frozen", "frozen");
  const width = Object.assign(number("kernelWidth", "kernel width (0: as high)", 0, 11, 0), {seldom: true});
  const dilation = Object.assign(number("dilation", "dilation", 1, 4, 1), {seldom: true});
  const groups = Object.assign(number("groups", "groups", 1, 16, 1), {seldom: true, shown: l => !l.depthwise});
  const kernelWords = "filters × (kernel height × kernel width × channels that a filter sees) + biases";

  return {
    conv: {
      label: "convolution", name: "conv", words: kernelWords, make: () => ({filters: 16, kernel: 3}),
      fields: [Object.assign({}, filters, {shown: l => !l.depthwise}), kernel, stride, padding, border, bias,
        Object.assign(flag("depthwise", "depthwise (one filter for each channel)"), {seldom: true}), groups, dilation, width],
    },
    transposedConv: {
      label: "transposed convolution", name: "transposed conv", words: kernelWords, make: () => ({filters: 16, kernel: 2, stride: 2}),
      fields: [filters, kernel, stride, padding, border, bias,
        Object.assign(number("outputPadding", "output padding", 0, 4, 0), {seldom: true, shown: l => l.padding === 2}), groups, dilation, width],
    },
    dense: {label: "dense", name: "dense", words: "units × inputs + biases", make: () => ({units: 10}), fields: [units, bias]},
    pool: {
      label: "pool", name: "pool", make: () => ({size: 2}),
      fields: [number("size", "window", 1, 11), Object.assign({}, stride, {zero: l => l.size}), padding, border, flag("average", "mean, not the largest")],
    },
    globalPool: {label: "global pool", name: "global pool", make: () => ({}), fields: [flag("max", "the largest, not the mean")]},
    flatten: {label: "flatten", name: "flatten", make: () => ({}), fields: []},
    batchNorm: {
      label: "batch norm", name: "bn", words: "(scale and offset) × channels; its averages are buffers, not parameters", make: () => ({}),
      fields: [flag("noScale", "scale", true)],
    },
    layerNorm: {label: "layer norm", name: "ln", words: "(scale and offset) × channels", make: () => ({}), fields: []},
    activation: {label: "activation", name: "activation", make: () => ({name: "relu"}), fields: []},
    dropout: {
      label: "dropout", name: "dropout", make: () => ({rate: 0.5}),
      fields: [Object.assign(number("rate", "rate", 0, 0.95, 0), {step: 0.05})],
    },
    embedding: {
      label: "embedding", name: "embedding", words: "words × units", make: () => ({words: 10000, units: 64}),
      fields: [number("words", "words", 1, 64), units],
    },
    block: {label: "block", name: "block", words: "the sum of its layers", make: () => ({layers: []}), fields: [frozen]},
    parallel: {
      label: "parallel", name: "parallel", words: "the sum of its branches", make: () => ({branches: [{kind: "block"}, {kind: "block"}]}),
      fields: [choice("join", "join", ["add", "concat", "multiply"]), frozen],
    },
  };
})();
