// Counter is the element in which a reader builds a network. What it shows lives in a shadow tree, so that the page's styles and its own leave
// each other alone; what stands in the element itself is for readers without scripts.
class Counter extends HTMLElement {
  connectedCallback() {
    this.setAttribute("data-lm-suppress-shortcuts", ""); // JupyterLab would take single letters and arrows for its own
    if (this.shadowRoot) return; // JupyterLab takes cells out of the page and puts them back
    this.attachShadow({mode: "open"});
    const own = JSON.parse(this.dataset.networks);
    const same = (a, b) => JSON.stringify([a.input, a.layers]) === JSON.stringify([b.input, b.layers]);
    this.offers = own.concat(presets.filter(p => !own.some(o => same(o, p))));
    this.frame();
    this.load(0);
  }

  nextId() { return `field${this.ids = (this.ids || 0) + 1}`; }

  // frame builds what stays.
  frame() {
    const select = el("select", {id: this.nextId(), onchange: () => this.load(Number(select.value))},
      ...this.offers.map((o, i) => el("option", {value: i}, o.label)));
    this.parts = {
      offer: select, total: el("p", {class: "total"}), wrong: el("p", {class: "wrong"}),
      drawing: el("div", {class: "drawing", role: "region", "aria-label": "The network drawn", tabindex: 0}),
      title: el("h3"), fields: el("div", {class: "fields"}), words: el("p", {class: "words"}), numbers: el("p", {class: "numbers"}),
      body: el("tbody", {onkeydown: e => this.key(e)}), foot: el("tfoot"), code: el("code"), heard: el("div", {class: "heard", role: "status", "aria-live": "polite"}),
      copied: el("span", {role: "status"}), actions: this.actions(), undo: el("button", {type: "button", onclick: () => this.undo()}, "Undo"),
    };
    const p = this.parts;
    const head = ["layer", "output", "arithmetic", "parameters", "share", "MACs"];
    this.shadowRoot.append(el("style", {}, styles), el("div", {class: "counter", role: "group", "aria-label": "Parameter counter"},
      el("div", {class: "bar"}, el("label", {for: select.id}, "Network"), select, el("span"), p.undo,
        el("button", {type: "button", onclick: () => this.load(Number(select.value))}, "Reset")),
      p.total, p.wrong, p.drawing,
      el("div", {class: "panel", role: "group", "aria-label": "The chosen layer"}, p.title, p.fields, p.words, p.numbers, p.actions),
      el("div", {class: "scroll"}, el("table", {"aria-label": "Layers and their arithmetic"},
        el("thead", {}, el("tr", {}, ...head.map((text, i) => el("th", {scope: "col", class: i === 3 || i === 5 ? "number" : null}, text)))), p.body, p.foot)),
      el("p", {class: "keys"}, "In the table: ", el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " choose a layer, ", el("kbd", {}, "Alt"), " with them moves it, ",
        el("kbd", {}, "→"), " ", el("kbd", {}, "←"), " open and close a block, ", el("kbd", {}, "Delete"), " removes a layer."),
      el("details", {class: "go", ontoggle: () => this.show()}, el("summary", {}, "The network in Go"), el("pre", {tabindex: 0}, p.code),
        el("button", {type: "button", onclick: () => this.copy()}, "Copy"), " ", p.copied),
      p.heard));
  }

  actions() {
    const button = (text, work, label) => el("button", {type: "button", "aria-label": label || null, onclick: work}, text);
    this.kind = el("select", {"aria-label": "kind of layer to add"}, ...Object.entries(kinds).map(([kind, k]) => el("option", {value: kind}, k.label)));
    this.buttons = {
      before: button("◀", () => this.step(-1), "choose the layer before"), after: button("▶", () => this.step(1), "choose the next layer"),
      up: button("Earlier", () => this.move(-1), "move the layer earlier"), down: button("Later", () => this.move(1), "move the layer later"),
      twin: button("Duplicate", () => this.duplicate(), "duplicate the layer"), remove: button("Remove", () => this.remove(), "remove the layer"),
      add: button("Add", () => this.add(false), "add a layer after this one"), inside: button("Add inside", () => this.add(true), "add a layer inside the block"),
    };
    return el("div", {class: "actions"}, ...["before", "after", "up", "down", "twin", "remove"].map(b => this.buttons[b]), this.kind, this.buttons.add, this.buttons.inside);
  }

  load(i) {
    this.parts.offer.value = i;
    this.network = structuredClone({name: this.offers[i].name, input: this.offers[i].input, layers: this.offers[i].layers || []});
    this.past = [];
    this.open = new Set();
    this.choose(this.network.layers.length ? [0] : []);
  }

  // remember keeps the network as it is before a change; changes of one field one after another count as one.
  remember(what) {
    if (what && what === this.changing) return;
    this.changing = what;
    this.past.push(JSON.stringify({network: this.network, path: this.path}));
    if (this.past.length > 200) this.past.shift();
  }
  undo() {
    const last = this.past.pop();
    if (!last) return;
    const {network, path} = JSON.parse(last);
    this.network = network;
    this.open = new Set();
    for (let i = 1; i < path.length; i++) this.open.add(this.at(path.slice(0, i)));
    this.choose(path);
  }

  // A path leads through lists of layers; [] is the input.
  inner(l) { return l.kind === "block" ? l.layers || (l.layers = []) : l.kind === "parallel" ? l.branches || (l.branches = []) : null; }
  list(path) { return path.length < 2 ? this.network.layers : this.inner(this.at(path.slice(0, -1))); }
  at(path) { return path.reduce((l, i) => (l ? this.inner(l) : this.network.layers)[i], null); }

  choose(path) {
    this.path = path;
    this.changing = null;
    this.edit();
    this.update();
  }

  // items lists the layers that the table shows, with the rows that count has for them.
  items() {
    const all = [];
    const walk = (layers, rows, path) => layers.forEach((l, i) => {
      const row = rows && rows[i], own = [...path, i], inner = this.inner(l), isOpen = inner && this.open.has(l);
      all.push({layer: l, row, path: own, inner, isOpen, name: row ? row.name : l.name || kinds[l.kind].name});
      if (isOpen) walk(inner, row && row.rows, own);
    });
    walk(this.network.layers, this.counted.rows, []);
    return all;
  }

  step(by) {
    const paths = [[], ...this.items().map(item => item.path)];
    const next = paths[paths.findIndex(p => String(p) === String(this.path)) + by];
    if (next) this.choose(next);
  }
  move(by) {
    const list = this.list(this.path), i = this.path[this.path.length - 1], to = i + by;
    if (this.path.length === 0 || to < 0 || to >= list.length) return;
    this.remember();
    list.splice(to, 0, ...list.splice(i, 1));
    this.choose([...this.path.slice(0, -1), to]);
  }
  remove() {
    if (this.path.length === 0) return;
    this.remember();
    const list = this.list(this.path), i = this.path[this.path.length - 1];
    list.splice(i, 1);
    const before = this.path.slice(0, -1);
    this.choose(list.length ? [...before, Math.min(i, list.length - 1)] : before);
  }
  duplicate() {
    if (this.path.length === 0) return;
    this.remember();
    const i = this.path[this.path.length - 1];
    this.list(this.path).splice(i + 1, 0, structuredClone(this.at(this.path)));
    this.choose([...this.path.slice(0, -1), i + 1]);
  }
  add(inside) {
    this.remember();
    const chosen = this.path.length ? this.at(this.path) : null, holder = inside ? chosen : this.path.length > 1 ? this.at(this.path.slice(0, -1)) : null;
    const kind = holder && holder.kind === "parallel" ? "block" : this.kind.value; // a branch is a block
    const fresh = Object.assign({kind}, kinds[kind].make());
    if (inside) {
      this.open.add(chosen);
      this.choose([...this.path, this.inner(chosen).push(fresh) - 1]);
      return;
    }
    const i = this.path.length ? this.path[this.path.length - 1] + 1 : 0;
    this.list(this.path).splice(i, 0, fresh);
    this.choose([...this.path.slice(0, -1), i]);
  }

  key(e) {
    const layer = this.path.length ? this.at(this.path) : null, inner = layer && this.inner(layer);
    const works = {
      ArrowUp: () => e.altKey ? this.move(-1) : this.step(-1), ArrowDown: () => e.altKey ? this.move(1) : this.step(1),
      Home: () => this.choose([]), End: () => this.choose(this.items().pop()?.path || []), Delete: () => this.remove(), Backspace: () => this.remove(),
      ArrowRight: () => inner && this.toggle(layer, true), ArrowLeft: () => inner && this.toggle(layer, false),
    };
    if (!works[e.key] || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    works[e.key]();
  }
  toggle(layer, open) {
    this.open[open ? "add" : "delete"](layer);
    this.update();
  }

  async copy() {
    const range = document.createRange();
    range.selectNodeContents(this.parts.code);
    getSelection().removeAllRanges();
    getSelection().addRange(range); // so that Ctrl+C works where a page may not write to the clipboard
    try {
      await navigator.clipboard.writeText(this.parts.code.textContent);
      this.parts.copied.textContent = "copied";
    } catch {
      this.parts.copied.textContent = "selected: press Ctrl+C";
    }
  }
}
