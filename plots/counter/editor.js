// The fields of the chosen layer. They are built when another layer is chosen, and stay while their values change.
Object.assign(Counter.prototype, {
  edit() {
    const p = this.parts, focused = this.shadowRoot.activeElement?.dataset.key;
    if (this.path.length === 0) {
      p.title.replaceChildren("Input");
      p.fields.replaceChildren(...this.inputFields());
    } else {
      const l = this.at(this.path), k = kinds[l.kind], id = this.nextId();
      const name = el("input", {
        id, type: "text", maxlength: 40, value: l.name || "", placeholder: k.name, "data-key": "name", oninput: () => this.set(l, "name", name.value),
      });
      p.title.replaceChildren(`Layer ${this.path.map(i => i + 1).join(".")}: ${k.label}`, el("label", {for: id, class: "heard"}, "name of the layer"), name);
      const shown = k.fields.filter(f => !f.shown || f.shown(l)), seldom = shown.filter(f => f.seldom);
      const isSet = seldom.some(f => l[f.key] && l[f.key] !== f.zero);
      p.fields.replaceChildren(...shown.filter(f => !f.seldom).map(f => this.field(l, f)),
        ...(seldom.length ? [el("details", {open: isSet}, el("summary", {}, "more"), el("div", {class: "fields"}, ...seldom.map(f => this.field(l, f))))] : []));
    }
    if (focused) p.fields.parentElement.querySelector(`[data-key="${focused}"]`)?.focus();
  },

  field(l, f) {
    const zero = () => typeof f.zero === "function" ? f.zero(l) : f.zero;
    if (f.type === "number") {
      const value = f.key === "border" ? (l.border || [0])[0] : l[f.key] || zero() || 0;
      return this.number(f.key, f.label, value, f, v => {
        this.set(l, f.key, f.key === "border" ? (v === 0 ? undefined : [v, v, v, v]) : v === zero() ? undefined : v);
        this.follow(l, f.key);
      });
    }
    const id = this.nextId(), rebuild = work => () => {
      work();
      this.edit(); // other fields may come or go
    };
    if (f.type === "choice") {
      const select = el("select", {id, "data-key": f.key, onchange: rebuild(() => this.pick(l, f.key, Number(select.value)))},
        ...f.options.map((text, i) => el("option", {value: i}, text)));
      select.value = l[f.key] || 0;
      return el("div", {class: "field"}, el("label", {for: id}, f.label), select);
    }
    const box = el("input", {id, type: "checkbox", "data-key": f.key, onchange: rebuild(() => this.tick(l, f, box.checked))});
    box.checked = f.inverse ? !l[f.key] : !!l[f.key];
    return el("div", {class: "field flag"}, box, el("label", {for: id}, f.label));
  },

  // follow shows what fields mean that are left out, where that hangs on the one that was changed: a pool's stride is its window.
  follow(l, changed) {
    for (const f of kinds[l.kind].fields) {
      if (typeof f.zero !== "function" || f.key === changed || l[f.key]) continue;
      for (const field of this.parts.fields.querySelectorAll(`[data-key="${f.key}"], [data-key="${f.key} slider"]`)) {
        if (field.type === "range") field.max = Math.max(field.max, f.zero(l));
        field.value = f.zero(l);
      }
    }
  },

  pick(l, key, v) {
    this.remember();
    if (key === "padding") {
      delete l.border;
      const half = (l.kernel || l.size || 1) >> 1;
      if (v === 2 && half > 0) l.border = [half, half, half, half];
    }
    this.put(l, key, v || undefined);
  },
  tick(l, f, checked) {
    this.remember();
    if (f.key === "depthwise") {
      delete l.groups;
      if (checked) delete l.filters;
      else l.filters = 16;
    }
    this.put(l, f.key, checked !== !!f.inverse || undefined);
  },

  // set changes one field; undefined leaves it out.
  set(l, key, v) {
    this.remember(`${this.path} ${key}`);
    this.put(l, key, v);
  },

  // put is set without a step of its own to undo.
  put(l, key, v) {
    if (v === undefined || v === "") delete l[key];
    else l[key] = v;
    this.update();
  },

  // number is a slider and a field for the same whole number (or one with steps, a rate).
  number(key, label, value, {least, most, step}, change) {
    const id = this.nextId();
    if (["filters", "units", "words", "channels"].includes(key) && value > most / 4) most = 4 * 2 ** Math.ceil(Math.log2(value));
    const range = el("input", {type: "range", min: least, max: Math.max(most, value), step: step || 1, "aria-label": label, "data-key": key + " slider"});
    const field = el("input", {id, type: "number", min: least, step: step || 1, "data-key": key});
    range.value = field.value = value;
    range.addEventListener("input", () => {
      field.value = range.value;
      field.removeAttribute("aria-invalid");
      change(Number(range.value));
    });
    field.addEventListener("input", () => {
      const v = Number(field.value), fits = field.value.trim() !== "" && (step ? Number.isFinite(v) : Number.isSafeInteger(v));
      field.removeAttribute("aria-invalid");
      if (!fits) {
        field.setAttribute("aria-invalid", "true");
        this.parts.wrong.textContent = Number.isInteger(v) && v !== 0 ? `${label}: the number is too large` : `${label}: a ${step ? "" : "whole "}number is wanted`;
        this.say(this.parts.wrong.textContent);
        return;
      }
      range.max = Math.max(range.max, v);
      range.value = v;
      change(v);
    });
    return el("div", {class: "field"}, el("label", {for: id}, label), range, field);
  },

  inputFields() {
    const input = this.network.input, names = {3: ["height", "width", "channels"], 2: ["length", "channels"], 1: ["length"]}[input.length] || [];
    const id = this.nextId();
    const select = el("select", {id, "data-key": "axes", onchange: () => {
      this.remember();
      this.network.input = {3: [32, 32, 3], 2: [128, 64], 1: [128]}[select.value];
      this.edit();
      this.update();
    }}, el("option", {value: 3}, "images [h, w, c]"), el("option", {value: 2}, "sequences [length, c]"), el("option", {value: 1}, "vectors or texts [length]"));
    select.value = input.length;
    const fields = names.map((name, i) => this.number(name, name, input[i], {least: 1, most: name === "channels" ? 64 : 256}, v => {
      this.remember(`input ${name}`);
      this.network.input[i] = v;
      this.update();
    }));
    return [el("div", {class: "field"}, el("label", {for: id}, "kind"), select), ...fields];
  },
});
