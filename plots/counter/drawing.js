// el makes an HTML element, svg an SVG element: attributes, "on…" for listeners, then children. Text is text, never markup.
const made = (e, attributes, children) => {
  for (const [key, v] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) e.addEventListener(key.slice(2), v);
    else if (v !== false && v !== null && v !== undefined) e.setAttribute(key, v === true ? "" : v);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
};
const el = (tag, attributes, ...children) => made(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const grouped = n => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

// drawing shows what a network puts out layer by layer: boxes that shrink and deepen. Layers that keep the shape and have no size of their own
// are left out.
const drawing = (() => {
  const unseen = ["activation", "dropout", "batchNorm", "layerNorm"];
  const families = {conv: "conv", transposedConv: "conv", dense: "dense", pool: "pool", globalPool: "pool", block: "block", parallel: "block"};

  // measured is a box of a shape: high and wide as the image is large, thick as it has channels.
  const measured = (shape, largest) => {
    const size = n => Math.max(0, Number(n)); // an input may be wrong
    const thick = n => 4 + 5 * Math.log2(1 + size(n)), side = n => 8 + 112 * Math.sqrt(size(n) / largest);
    if (shape.length === 1) return {high: 14 + 9 * Math.log2(1 + size(shape[0])), thick: 12, deep: 0};
    if (shape.length === 2) return {high: side(shape[0]), thick: thick(shape[1]), deep: 0};
    return {high: side(shape[0]), thick: thick(shape[2]), deep: 0.3 * side(shape[1])};
  };

  const cuboid = (x, floor, box) => {
    const dx = box.deep, dy = 0.6 * box.deep, top = floor - box.high, right = x + box.thick;
    const points = list => list.map(p => p.join(",")).join(" ");
    return [
      svg("rect", {x, y: top, width: box.thick, height: box.high}),
      dx && svg("polygon", {class: "top", points: points([[x, top], [x + dx, top - dy], [right + dx, top - dy], [right, top]])}),
      dx && svg("polygon", {class: "side", points: points([[right, top], [right + dx, top - dy], [right + dx, floor - dy], [right, floor]])}),
    ].filter(Boolean);
  };

  const clipped = text => text.length > 14 ? text.slice(0, 13) + "…" : text;

  // items are {name, kind, shape, path}; select is called with a path.
  return (items, chosen, select) => {
    items = items.filter(item => !unseen.includes(item.kind));
    const lengths = items.flatMap(item => item.shape.length > 1 ? item.shape.slice(0, -1).map(Number) : []);
    const largest = Math.max(1, ...lengths), boxes = items.map(item => measured(item.shape, largest));
    const above = Math.max(...boxes.map(b => b.high + 0.6 * b.deep)), floor = above + 8;
    let x = 4;
    const groups = items.map((item, i) => {
      const box = boxes[i], shape = count.shapeText(item.shape);
      const wide = Math.max(box.thick + box.deep, 8 * Math.max(clipped(item.name).length, shape.length)), middle = x + wide / 2;
      const isChosen = item.path.length === 0 ? chosen.length === 0 : item.path.every((n, at) => n === chosen[at]);
      const group = svg("g", {class: `box ${families[item.kind] || "other"}${isChosen ? " chosen" : ""}`, onclick: () => select(item.path)},
        svg("title", {}, `${item.name}: ${shape}`),
        svg("rect", {class: "target", x, y: 0, width: wide, height: floor + 40}),
        ...cuboid(middle - (box.thick + box.deep) / 2, floor, box),
        svg("text", {class: "name", x: middle, y: floor + 17}, clipped(item.name)),
        svg("text", {x: middle, y: floor + 33}, shape));
      x += wide + 16;
      return group;
    });
    const width = Math.max(x - 12, 10), height = floor + 42;
    return svg("svg", {
      viewBox: `0 0 ${width} ${height}`, style: `width:clamp(${(0.85 * width / 15).toFixed(1)}em,100%,${(1.2 * width / 15).toFixed(1)}em)`, role: "img",
      "aria-label": "The network: " + items.map(item => `${item.name} ${count.shapeText(item.shape)}`).join(", "),
    }, ...groups);
  };
})();
