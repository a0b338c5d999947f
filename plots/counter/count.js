// The arithmetic of the Go package tl/count, step by step the same: shapes, formulas, sums and errors. A Go test compares the two on thousands
// of random networks. Numbers are BigInt, so that what exceeds 63 bits is found where Go finds it.
const count = (() => {
  const largest = (1n << 63n) - 1n;
  const Same = 0, Valid = 1, Explicit = 2;
  const Add = 0, Concat = 1, Multiply = 2;
  const deepest = 100, most = 100000;

  // Fault is what is wrong with a network; other errors are mistakes of this program.
  class Fault extends Error {}
  const fail = text => { throw new Fault(text); };
  // inside puts a prefix before what is wrong inside.
  const inside = (prefix, work) => {
    try {
      return work();
    } catch (e) {
      if (e instanceof Fault) throw new Fault(prefix + ": " + e.message);
      throw e;
    }
  };

  const int = n => BigInt(n || 0);
  const max = (a, b) => a > b ? a : b;
  const tooLarge = () => fail("the numbers exceed 63 bits");

  const product = (...numbers) => {
    let total = 1n;
    for (const n of numbers) {
      if (n < 0n) fail(`${n} is negative`);
      total *= n;
      if (total > largest) tooLarge();
    }
    return total;
  };
  const add = (...numbers) => {
    let total = 0n;
    for (const n of numbers) {
      if (n < 0n || total + n > largest) tooLarge();
      total += n;
    }
    return total;
  };

  // How Go prints: %v of a slice, a shape, %q of a string, %g of a number.
  const list = shape => "[" + shape.join(" ") + "]";
  const shapeText = shape => shape.join("×");
  const escapes = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: "\\\"", 92: "\\\\"};
  // Characters that leave no mark on paper, as Go's strconv.Quote sees them; what Unicode has not assigned yet is not among them.
  const unseen = [[0x80, 0xA0], [0xAD, 0xAD], [0x61C, 0x61C], [0x1680, 0x1680], [0x180E, 0x180E], [0x2000, 0x200F], [0x2028, 0x202F], [0x205F, 0x206F],
    [0x3000, 0x3000], [0xD800, 0xF8FF], [0xFEFF, 0xFEFF], [0xFFF0, 0xFFFB], [0xFFFE, 0xFFFF], [0xE0000, 0xE00FF], [0xF0000, 0x10FFFF]];
  const quote = text => {
    let out = "\"";
    for (const c of text) {
      const code = c.codePointAt(0);
      if (escapes[code]) out += escapes[code];
      else if (code < 32 || code === 127) out += "\\x" + code.toString(16).padStart(2, "0");
      else if (code >= 128 && unseen.some(([from, to]) => from <= code && code <= to)) {
        out += code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0") : "\\U" + code.toString(16).padStart(8, "0");
      } else out += c;
    }
    return out + "\"";
  };
  const float = x => {
    if (x === 0) return Object.is(x, -0) ? "-0" : "0";
    const [digits, exponent] = x.toExponential().split("e");
    const power = Number(exponent);
    if (power >= -4 && power < 6) return power < 0 ? x.toFixed(digits.replace(/[-.]/g, "").length - 1 - power) : String(x);
    return digits + "e" + (power < 0 ? "-" : "+") + String(Math.abs(power)).padStart(2, "0");
  };

  const named = (name, otherwise) => name || otherwise;
  const equal = (a, b) => a.length === b.length && a.every((n, i) => n === b[i]);

  const isShape = shape => {
    if (shape.length === 0) fail("input without axes");
    if (shape.some(n => n < 1n)) fail(`input ${list(shape)}, want lengths of at least 1`);
  };
  const isImage = shape => {
    if (shape.length !== 3) fail(`input ${list(shape)}, want [h, w, c]`);
    isShape(shape);
  };

  // row is what one layer, or one block, counts: the fields of Go's count.Row.
  const row = (name, kind, input, output, fields) => Object.assign({
    name, kind, input, output, kernel: "", formula: "", bufferFormula: "",
    params: 0n, frozen: 0n, buffers: 0n, macs: 0n, elements: product(...output), rows: [],
  }, fields);

  // A window moves over an image; what it is made of is a layer's.
  const windowOf = (kernel, kernelWidth, stride, dilation, layer) => ({
    kernel: int(kernel), kernelWidth: int(kernelWidth), stride: int(stride), dilation: int(dilation),
    padding: layer.padding || Same, border: (layer.border || [0, 0, 0, 0]).map(int),
  });
  const widthOf = w => w.kernelWidth === 0n ? w.kernel : w.kernelWidth;
  const windowText = w => `${w.kernel}×${widthOf(w)}` + (w.stride > 1n ? ` /${w.stride}` : "") + (w.dilation > 1n ? `, dilation ${w.dilation}` : "");
  const checkWindow = w => {
    const [top, bottom, left, right] = w.border;
    const border = `{Top:${top} Bottom:${bottom} Left:${left} Right:${right}}`;
    if (w.kernel < 1n || widthOf(w) < 1n) fail(`kernel ${w.kernelWidth === 0n ? w.kernel : `${w.kernel}×${w.kernelWidth}`}, want at least 1`);
    if (w.stride < 0n) fail(`stride ${w.stride}, want at least 1 (0 is 1)`);
    if (w.dilation < 0n) fail(`dilation ${w.dilation}, want at least 1 (0 is 1)`);
    if (w.padding < Same || w.padding > Explicit) fail(`padding ${w.padding}, want Same, Valid or Explicit`);
    if (w.border.some(n => n < 0n)) fail(`border ${border}, want 0 or more on each side`);
    if (w.padding !== Explicit && w.border.some(n => n !== 0n)) fail(`border ${border} with a padding that is not Explicit`);
  };
  // reach is how far the kernel stretches, dilation included.
  const reach = w => {
    const dilation = max(w.dilation, 1n);
    return [w.kernel, widthOf(w)].map(side => add(product(side - 1n, dilation), 1n));
  };
  // over is the size of the window's output.
  const over = (w, input) => {
    checkWindow(w);
    const stride = max(w.stride, 1n);
    if (w.padding === Same) return [(input[0] - 1n) / stride + 1n, (input[1] - 1n) / stride + 1n];
    const [reachH, reachW] = reach(w), [top, bottom, left, right] = w.border;
    const roomH = add(input[0], top, bottom), roomW = add(input[1], left, right);
    if (reachH > roomH || reachW > roomW) {
      fail(`kernel ${reachH}×${reachW} is larger than its input ${shapeText(input)}` +
        (w.padding === Explicit ? ` with its border, ${roomH}×${roomW}` : ""));
    }
    return [(roomH - reachH) / stride + 1n, (roomW - reachW) / stride + 1n];
  };

  // withBias adds one bias an output and ends the formula.
  const withBias = (weights, formula, outputs, none) => {
    if (!none) {
      formula += ` + ${outputs}`;
      weights = add(weights, outputs);
    }
    return [weights, `${formula} = ${weights}`];
  };
  const isGrouped = (channels, filters, groups) => {
    if (filters < 1n) fail(`${filters} filters, want at least 1`);
    if (groups < 0n || channels % max(groups, 1n) !== 0n || filters % max(groups, 1n) !== 0n) {
      fail(`${groups} groups do not divide ${channels} input channels and ${filters} filters`);
    }
  };
  // kernelRow is the row of a layer with kernels, which are applied at as many places as at says.
  const kernelRow = (name, kind, w, seen, filters, noBias, input, output, at) => {
    const weights = product(filters, w.kernel, widthOf(w), seen);
    const [params, formula] = withBias(weights, `${filters} × (${w.kernel}×${widthOf(w)}×${seen})`, filters, noBias);
    const macs = product(...at, weights);
    return row(name, kind, input, output, {kernel: windowText(w), formula, params, macs});
  };

  const conv = (l, input) => inside(`conv ${quote(named(l.name, "conv"))}`, () => {
    isImage(input);
    let filters = int(l.filters), groups = int(l.groups);
    if (l.depthwise) {
      if ((filters !== 0n && filters !== input[2]) || groups > 1n) {
        fail(`depthwise has as many filters and groups as its ${input[2]} input channels; leave both 0`);
      }
      filters = groups = input[2];
    }
    isGrouped(input[2], filters, groups);
    const w = windowOf(l.kernel, l.kernelWidth, l.stride, l.dilation, l), [high, wide] = over(w, input);
    return kernelRow(named(l.name, "conv"), l.depthwise ? "depthwise conv" : "conv", w, input[2] / max(groups, 1n), filters, l.noBias,
      input, [high, wide, filters], [high, wide]);
  });

  const transposedConv = (l, input) => inside(`transposed conv ${quote(named(l.name, "transposed conv"))}`, () => {
    isImage(input);
    const filters = int(l.filters), groups = int(l.groups), more = int(l.outputPadding);
    isGrouped(input[2], filters, groups);
    const w = windowOf(l.kernel, l.kernelWidth, l.stride, l.dilation, l);
    checkWindow(w);
    const [reachH, reachW] = reach(w);
    if (more < 0n || (more > 0n && w.padding !== Explicit)) {
      fail(`output padding ${more}, want 0 or more, and 0 where the padding is not Explicit`);
    }
    const stride = max(w.stride, 1n);
    const enlarged = (length, kernel, before, after) => {
      const spread = product(length - 1n, stride);
      if (w.padding === Same) return add(spread, stride);
      if (w.padding === Valid) return add(spread, max(kernel, stride));
      const whole = add(spread, kernel, more), cut = add(before, after);
      if (cut >= whole) fail(`border ${before} + ${after} leaves nothing of an output of ${whole}`);
      return whole - cut;
    };
    const high = enlarged(input[0], reachH, w.border[0], w.border[1]), wide = enlarged(input[1], reachW, w.border[2], w.border[3]);
    return kernelRow(named(l.name, "transposed conv"), "transposed conv", w, input[2] / max(groups, 1n), filters, l.noBias,
      input, [high, wide, filters], [input[0], input[1]]);
  });

  const dense = (l, input) => inside(`dense ${quote(named(l.name, "dense"))}`, () => {
    if (input.length !== 1 && input.length !== 2) fail(`input ${list(input)}, want [c] or [length, c]: put Flatten or GlobalPool before it`);
    isShape(input);
    const units = int(l.units), channels = input[input.length - 1], before = input.slice(0, -1);
    if (units < 1n) fail(`${units} units, want at least 1`);
    const weights = product(units, channels);
    const [params, formula] = withBias(weights, `${units} × ${channels}`, units, l.noBias);
    const macs = product(...before, weights);
    return row(named(l.name, "dense"), "dense", input, [...before, units], {formula, params, macs});
  });

  const batchNorm = (l, input) => inside(`batch norm ${quote(named(l.name, "bn"))}`, () => {
    isShape(input);
    const channels = input[input.length - 1], buffers = product(2n, channels), both = `2 × ${channels} = ${buffers}`;
    const fields = {formula: both, bufferFormula: both, params: buffers, buffers};
    if (l.noScale) Object.assign(fields, {formula: `1 × ${channels} = ${channels}`, params: channels});
    return row(named(l.name, "bn"), "batch norm", input, input, fields);
  });

  const layerNorm = (l, input) => inside(`layer norm ${quote(named(l.name, "ln"))}`, () => {
    isShape(input);
    const channels = input[input.length - 1], params = product(2n, channels);
    return row(named(l.name, "ln"), "layer norm", input, input, {formula: `2 × ${channels} = ${params}`, params});
  });

  const embedding = (l, input) => inside(`embedding ${quote(named(l.name, "embedding"))}`, () => {
    if (input.length !== 1) fail(`input ${list(input)}, want [length], a row of word numbers`);
    isShape(input);
    const words = int(l.words), units = int(l.units);
    if (words < 1n || units < 1n) fail(`${words} words and ${units} units, want at least 1`);
    const params = product(words, units);
    return row(named(l.name, "embedding"), "embedding", input, [input[0], units], {formula: `${words} × ${units} = ${params}`, params});
  });

  const pool = (l, input) => inside(`pool ${quote(named(l.name, "pool"))}`, () => {
    isImage(input);
    const w = windowOf(l.size, 0, l.stride || l.size, 0, l), [high, wide] = over(w, input);
    return row(named(l.name, "pool"), (l.average ? "average" : "max") + " pool", input, [high, wide, input[2]], {kernel: windowText(w)});
  });

  // plain is a layer without parameters.
  const plain = (name, kind, input, output) => inside(name, () => {
    isShape(input);
    return row(name, kind, input, output);
  });
  const globalPool = (l, input) => {
    const name = named(l.name, "global pool");
    if (input.length !== 2 && input.length !== 3) fail(`${name}: input ${list(input)}, want [h, w, c] or [length, c]`);
    return plain(name, `global ${l.max ? "max" : "average"} pool`, input, input.slice(-1));
  };
  const flatten = (l, input) => inside(named(l.name, "flatten"), () => {
    isShape(input);
    return row(named(l.name, "flatten"), "flatten", input, [product(...input)], {elements: 0n}); // the numbers stay where they are
  });
  const activation = (l, input) => plain(named(l.name, "activation"), "activation", input, input);
  const dropout = (l, input) => {
    const name = named(l.name, "dropout"), rate = l.rate || 0;
    if (!(rate >= 0 && rate < 1)) fail(`${name}: rate ${float(rate)}, want 0 or more and less than 1`);
    return plain(name, "dropout", input, input);
  };

  const simple = {conv, transposedConv, dense, batchNorm, layerNorm, embedding, pool, globalPool, flatten, activation, dropout};

  // plus adds the numbers of a row to a sum.
  const plus = (sum, r) => {
    const total = {};
    for (const key of ["params", "frozen", "buffers", "macs", "elements"]) total[key] = sum[key] + r[key];
    if ([total.params, total.buffers, total.macs, total.elements].some(n => n > largest)) tooLarge();
    return total;
  };
  const nothing = {params: 0n, frozen: 0n, buffers: 0n, macs: 0n, elements: 0n};

  // untaken is the name, with a number where a layer before has it.
  const untaken = (name, taken) => {
    let unique = name;
    for (let i = 2; taken.has(unique); i++) unique = `${name}_${i}`;
    taken.add(unique);
    return unique;
  };

  // sequence counts layers into rows, each with the output of the one before.
  const sequence = (input, layers, walk, rows) => {
    let sum = nothing;
    const taken = new Set();
    (layers || []).forEach((l, i) => {
      const r = inside(`layer ${i + 1}`, () => layer(l, input, walk));
      r.name = untaken(r.name, taken);
      rows.push(r);
      sum = inside(`layer ${i + 1}: the sum so far`, () => plus(sum, r));
      input = r.output;
    });
    return rows;
  };

  // layer counts one layer. It ends where a block contains itself.
  const layer = (l, input, walk) => {
    if (--walk.left.layers < 0) fail(`more than ${most} layers`);
    if (l.kind === "block" || l.kind === "parallel") {
      if (walk.depth + 1 > deepest) fail(`blocks inside blocks, more than ${deepest} deep: one contains itself`);
      return (l.kind === "block" ? block : parallel)(l, input, {depth: walk.depth + 1, left: walk.left});
    }
    return simple[l.kind](l, input);
  };

  const block = (l, input, walk) => inside(`block ${quote(named(l.name, "block"))}`, () => {
    isShape(input);
    const rows = sequence(input, l.layers, walk, []);
    return gathered(named(l.name, "block"), input, rows.length ? rows[rows.length - 1].output : input, rows, l.frozen);
  });

  const parallel = (l, input, walk) => inside(`parallel ${quote(named(l.name, "parallel"))}`, () => {
    isShape(input);
    const branches = l.branches || [];
    if (branches.length < 2) fail(`branches: ${branches.length}, want at least 2 (a branch without layers passes the input on)`);
    const taken = new Set();
    const rows = branches.map((b, i) => {
      const r = layer(Object.assign({}, b, {kind: "block", name: named(b.name, `branch${i + 1}`)}), input, walk);
      r.name = untaken(r.name, taken);
      return r;
    });
    const join = ["add", "concat", "multiply"][l.join || 0];
    const output = joined(l.join || 0, join, rows);
    rows.push(row(untaken(join, taken), join, rows[0].output, output));
    return gathered(named(l.name, "parallel"), input, output, rows, l.frozen);
  });

  // joined is the shape that branches have once they are one.
  const joined = (join, word, branches) => {
    const first = branches[0], last = first.output.length - 1;
    let output = first.output.slice();
    branches.slice(1).forEach((b, i) => {
      const differ = want => fail(`branch ${quote(first.name)} puts out ${shapeText(first.output)} and branch ${quote(b.name)} ` +
        `${shapeText(b.output)}; ${word} wants ${want}`);
      if (join === Add) {
        if (!equal(b.output, first.output)) differ("equal shapes (a 1×1 convolution with the same filters and stride makes a shortcut fit)");
      } else if (join === Concat) {
        if (b.output.length !== output.length || !equal(b.output.slice(0, last), output.slice(0, last))) differ("shapes that differ only in their channels");
        output[last] = add(output[last], b.output[last]);
      } else if (join === Multiply) {
        if (!equal(b.output, first.output) && !equal(b.output, first.output.slice(-1))) differ("equal shapes or one number for each channel");
      } else {
        fail(`branch ${i + 2}: join ${join}, want Add, Concat or Multiply`);
      }
    });
    return output;
  };

  // gathered is the row of a block that is made of rows.
  const gathered = (name, input, output, rows, frozen) => {
    const sum = inside("the sum so far", () => rows.reduce(plus, nothing));
    const whole = Object.assign({}, {
      name, kind: "block", input, output, kernel: "", formula: sum.params > 0n ? sumText(rows) : "", bufferFormula: "",
    }, sum, {rows});
    if (frozen) freeze(whole);
    return whole;
  };
  const freeze = r => {
    r.frozen = r.params;
    r.rows.forEach(freeze);
  };

  // sumText writes the addition of all parameters: "224 + 3216 = 3440".
  const sumText = rows => {
    const terms = rows.filter(r => r.params > 0n);
    if (terms.length === 0) return "0";
    if (terms.length === 1 && terms[0].formula !== "") return terms[0].formula;
    return terms.map(r => r.params).join(" + ") + " = " + terms.reduce((sum, r) => sum + r.params, 0n);
  };

  // network counts layers one after another: what Go's count.Network returns, with the sums. What is wrong stands in error, and the rows before
  // it in rows.
  const network = (input, layers) => {
    const rows = [];
    let error = "";
    try {
      inside("count", () => {
        input = input.map(int);
        inside("network", () => isShape(input));
      });
      inside("count", () => sequence(input, layers, {depth: 0, left: {layers: most}}, rows));
    } catch (e) {
      if (!(e instanceof Fault)) throw e;
      error = e.message;
    }
    const sum = rows.reduce((total, r) => {
      for (const key of Object.keys(nothing)) total[key] += r[key];
      return total;
    }, Object.assign({}, nothing));
    return {input, rows, error, sum, formula: sumText(rows), output: rows.length ? rows[rows.length - 1].output : input};
  };

  // bytes writes a number of bytes with three figures, in powers of 1,000, as Go's count.BytesText does.
  const bytes = n => {
    if (n < 1000n) return `${n} B`;
    let v = Number(n);
    for (const unit of ["kB", "MB", "GB"]) {
      v /= 1000;
      if (v < 9.995) return `${fixed(v, 2)} ${unit}`;
      if (v < 99.95) return `${fixed(v, 1)} ${unit}`;
      if (v < 999.5) return `${fixed(v, 0)} ${unit}`;
    }
    return `${fixed(v / 1000, 1)} TB`;
  };
  // fixed rounds a number in the middle to the even digit, as Go does.
  const fixed = (v, digits) => {
    const scaled = v * 10 ** digits;
    const middle = Number.isInteger(v * 8) && scaled % 1 === 0.5 && Math.floor(scaled) % 2 === 0;
    return middle ? (Math.floor(scaled) / 10 ** digits).toFixed(digits) : v.toFixed(digits);
  };

  return {network, bytes, shapeText, quote};
})();
