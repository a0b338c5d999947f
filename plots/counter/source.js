// source writes a network as Go that counts it: gofmt leaves it as it is.
const source = (() => {
  const types = {
    conv: "Conv", transposedConv: "TransposedConv", dense: "Dense", batchNorm: "BatchNorm", layerNorm: "LayerNorm", embedding: "Embedding",
    pool: "Pool", globalPool: "GlobalPool", flatten: "Flatten", activation: "Activation", dropout: "Dropout", block: "Block", parallel: "Parallel",
  };
  const paddings = ["count.Same", "count.Valid", "count.Explicit"], joins = ["count.Add", "count.Concat", "count.Multiply"];
  // Keys in the order of Go's fields.
  const keys = ["name", "filters", "words", "units", "size", "kernel", "kernelWidth", "stride", "dilation", "padding", "border", "outputPadding",
    "groups", "depthwise", "noBias", "noScale", "average", "max", "rate", "join", "frozen"];

  const value = (key, v) => {
    switch (key) {
      case "name": return count.quote(v);
      case "padding": return paddings[v] || String(v);
      case "join": return joins[v] || String(v);
      case "border":
        return v.every(n => n === v[0]) ? `count.Around(${v[0]})` : `count.Border{Top: ${v[0]}, Bottom: ${v[1]}, Left: ${v[2]}, Right: ${v[3]}}`;
    }
    return String(v);
  };

  const fields = l => keys.filter(key => l[key] && !(key === "border" && l.border.every(n => n === 0)))
    .map(key => `${key[0].toUpperCase()}${key.slice(1)}: ${value(key, l[key])}`);

  // layer is a composite literal; a branch stands without its type, as gofmt -s has it.
  const layer = (l, indent, branch) => {
    const own = fields(l), type = branch ? "" : "count." + types[l.kind];
    const inner = indent + "\t";
    if (l.layers && l.layers.length) own.push(`Layers: []count.Layer{\n${l.layers.map(x => inner + layer(x, inner) + ",\n").join("")}${indent}}`);
    if (l.branches && l.branches.length) {
      own.push(`Branches: []count.Block{\n${l.branches.map(x => inner + layer(x, inner, true) + ",\n").join("")}${indent}}`);
    }
    return `${type}{${own.join(", ")}}`;
  };

  return n => {
    const input = `count.Network([]int{${n.input.join(", ")}}`;
    return n.layers.length ? `${input},\n${n.layers.map(l => "\t" + layer(l, "\t") + ",\n").join("")})` : input + ")";
  };
})();
