// What follows each change: the numbers, the drawing, the table.
Object.assign(Counter.prototype, {
  update() {
    const c = this.counted = count.network(this.network.input, this.network.layers), p = this.parts;
    this.toggleAttribute("dark", isDark(this));
    const failed = /^count: layer (\d+)/.exec(c.error);
    this.failed = failed ? Number(failed[1]) - 1 : c.error ? 0 : -1;
    const sum = c.sum, parameters = grouped(sum.params) + (sum.params === 1n ? " parameter" : " parameters");
    const facts = [`output ${count.shapeText(c.output)}`, `${grouped(sum.macs)} MACs an image`, `weights ${count.bytes(4n * (sum.params + sum.buffers))}`];
    if (sum.frozen > 0n) facts.unshift(`trainable ${grouped(sum.params - sum.frozen)}, frozen ${grouped(sum.frozen)}`);
    p.total.replaceChildren(c.error ? `${parameters} up to there` : parameters, el("small", {}, facts.join(" · ")));
    p.wrong.textContent = c.error.replace(/^count: /, "");
    this.say(c.error ? `Error: ${p.wrong.textContent}` : `${parameters}, ${facts[0]}`);
    this.draw();
    this.table();
    this.chosen();
    this.show();
  },

  // say tells a screen reader once the reader's hand rests.
  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { this.parts.heard.textContent = text; }, 500);
  },

  // draw shows open blocks by what is in them; branches beside each other stay one box.
  draw() {
    const items = [{name: "input", kind: "input", shape: this.counted.input, path: []}];
    const walk = (rows, layers, path) => rows.forEach((r, i) => {
      const l = layers[i], own = [...path, i];
      if (l.kind === "block" && this.open.has(l) && r.rows.length > 0) walk(r.rows, l.layers, own);
      else items.push({name: r.name, kind: l.kind, shape: r.output, path: own});
    });
    walk(this.counted.rows, this.network.layers, []);
    if (items[0].shape.length === 0) items.shift();
    const scrolled = this.parts.drawing.scrollLeft;
    this.parts.drawing.replaceChildren(...(items.length ? [drawing(items, this.path, path => this.choose(path))] : []));
    this.parts.drawing.scrollLeft = scrolled;
  },

  table() {
    const p = this.parts, had = p.body.contains(this.shadowRoot.activeElement), total = Number(this.counted.sum.params);
    const input = this.line([], "input", {class: ""}, null, count.shapeText(this.counted.input), ["", "", "", ""]);
    p.body.replaceChildren(input, ...this.items().map(item => {
      const r = item.row, top = item.path[0], kind = {conv: "conv", transposedConv: "conv", dense: "dense", block: "block", parallel: "block"}[item.layer.kind] || "other";
      const state = this.failed < 0 || top < this.failed || r ? "" : top === this.failed ? " bad" : " later";
      const share = r && total > 0 ? Number(r.params) / total : 0;
      const cells = r ? [item.isOpen ? "" : r.formula, r.params > 0n ? grouped(r.params) : "0", this.share(share), grouped(r.macs)] : ["", "", "", ""];
      if (r && r.frozen > 0n) cells[1] += r.frozen === r.params ? " frozen" : " partly frozen";
      return this.line(item.path, item.name, {class: kind + state}, item, r ? count.shapeText(r.output) : "", cells);
    }));
    const notes = [];
    if (this.counted.sum.buffers > 0n) notes.push(`and ${grouped(this.counted.sum.buffers)} batch-norm averages, which are buffers, not parameters`);
    p.foot.replaceChildren(el("tr", {}, el("td", {colspan: 6, class: "sum"}, this.counted.formula)),
      ...notes.map(text => el("tr", {}, el("td", {colspan: 6}, text))));
    if (had) p.body.querySelector('[aria-current="true"]')?.focus();
  },

  line(path, name, attributes, item, shape, [formula, params, share, macs]) {
    const isChosen = String(path) === String(this.path) && path.length === this.path.length;
    if (isChosen) attributes.class += " chosen";
    const button = el("button", {
      type: "button", class: "name", tabindex: isChosen ? 0 : -1, "aria-current": isChosen ? "true" : null, "aria-expanded": item && item.inner ? String(item.isOpen) : null,
      onclick: () => this.choose(path),
    }, name);
    const toggle = item && item.inner ? el("button", {
      type: "button", class: "toggle", tabindex: -1, "aria-label": (item.isOpen ? "close " : "open ") + name, onclick: () => this.toggle(item.layer, !item.isOpen),
    }, item.isOpen ? "▾" : "▸") : null;
    return el("tr", attributes, el("th", {scope: "row", style: `padding-left:${1.4 * Math.max(0, path.length - 1)}em`}, toggle, button), el("td", {}, shape),
      el("td", {class: "formula"}, formula), el("td", {class: "number"}, params), el("td", {class: "share"}, share), el("td", {class: "number"}, macs));
  },

  share(part) {
    if (part === 0) return "";
    const span = document.createDocumentFragment();
    span.append(el("i", {style: `width:${Math.max(1, 70 * part).toFixed(1)}px`}), part < 0.001 ? "< 0.1 %" : `${(100 * part).toFixed(1)} %`);
    return span;
  },

  // chosen shows the arithmetic of the chosen layer, and which buttons make sense.
  chosen() {
    const p = this.parts, b = this.buttons, path = this.path, isInput = path.length === 0;
    const items = this.items(), place = items.findIndex(item => String(item.path) === String(path) && !isInput);
    const item = items[place], row = item && item.row, list = isInput ? [] : this.list(path), i = path[path.length - 1];
    p.words.textContent = isInput ? "What one example looks like; the batch is left out." : kinds[item.layer.kind].words || "no parameters";
    p.numbers.textContent = isInput ? count.shapeText(this.counted.input) :
      row ? `${count.shapeText(row.input)} → ${count.shapeText(row.output)}${row.formula ? `,   ${row.formula}` : ""}` : "";
    b.before.disabled = isInput;
    b.after.disabled = isInput ? items.length === 0 : place === items.length - 1;
    b.up.disabled = isInput || i === 0;
    b.down.disabled = isInput || i === list.length - 1;
    b.twin.disabled = b.remove.disabled = isInput;
    b.inside.hidden = isInput || !item.inner;
    p.undo.disabled = this.past.length === 0;
  },

  show() {
    this.parts.copied.textContent = "";
    if (this.parts.code.closest("details").open) this.parts.code.textContent = source(this.network);
  },
});

// isDark says whether the page's own text is light.
const isDark = element => {
  const [r, g, b] = (getComputedStyle(element).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  const dark = 0.3 * r + 0.6 * g + 0.1 * b > 128;
  element.style.colorScheme = dark ? "dark" : "light";
  return dark;
};
