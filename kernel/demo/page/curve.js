// The curves of loss and accuracy, drawn anew at each epoch.
const space = "http://www.w3.org/2000/svg";
const left = 58, right = 464, top = 34, bottom = 196;

function add(parent, name, attributes, text) {
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
}

function path(points, value, x, y) {
  return points.map(value).map((v, i) => v === null ? "" : `${x(i + 1).toFixed(1)},${y(v).toFixed(1)}`).filter(Boolean).join(" ");
}

function draw(svg, title, training, train, valid, highest, ticks) {
  const points = training.curve ?? [];
  svg.replaceChildren();
  const epochs = Math.max(2, training.state === "running" ? training.epochs : points.length);
  const x = (epoch) => left + (right - left) * (epoch - 1) / (epochs - 1);
  const y = (value) => bottom - (bottom - top) * Math.min(1, Math.max(0, value / highest));
  for (const tick of ticks) {
    add(svg, "line", {class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick)});
    add(svg, "text", {x: left - 8, y: y(tick) + 6, "text-anchor": "end"}, String(tick));
  }
  add(svg, "text", {x: left, y: 22}, title);
  add(svg, "text", {x: right, y: 222, "text-anchor": "end"}, points.length > 0 || training.state === "running" ? `epoch ${epochs}` : "epochs");
  if (training.kept > 0 && train(points[training.kept - 1] ?? {}) !== undefined) {
    add(svg, "circle", {class: "stands", cx: x(training.kept), cy: y((valid(points[training.kept - 1]) ?? train(points[training.kept - 1]))), r: 9});
  }
  add(svg, "polyline", {class: "train", points: path(points, train, x, y)});
  add(svg, "polyline", {class: "valid", points: path(points, valid, x, y)});
  for (const phase of (training.phases ?? []).slice(1)) {
    if (points.length === 0) continue;
    const at = x(Math.min(phase.after + 0.5, epochs));
    add(svg, "line", {class: "kept", x1: at, x2: at, y1: top, y2: bottom});
    const late = at > right - 100; // then its name stands to the left
    add(svg, "text", {x: late ? at - 6 : at + 6, y: (top + bottom) / 2, "text-anchor": late ? "end" : "start"}, phase.name);
  }
  const last = points.at(-1);
  if (!last) {
    svg.setAttribute("aria-label", `${title}: no epoch yet`);
    return;
  }
  const held = valid(last) === null ? "" : `, held out ${valid(last).toFixed(3)}`;
  svg.setAttribute("aria-label", `${title} after epoch ${points.length}: learning ${train(last).toFixed(3)}${held}`);
  add(svg, "text", {x: right, y: 22, "text-anchor": "end"}, train(last).toFixed(3) + (valid(last) === null ? "" : ` / ${valid(last).toFixed(3)}`));
}

export function show(training) {
  const points = training.curve ?? [];
  const most = Math.max(0.1, ...points.flatMap((p) => [p.loss, p.validLoss ?? 0]));
  const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((s) => most / s <= 4) ?? most / 3;
  const ticks = Array.from({length: Math.ceil(most / step) + 1}, (_, i) => Number((i * step).toFixed(2)));
  draw(document.getElementById("loss"), "loss", training, (p) => p.loss, (p) => p.validLoss, ticks.at(-1), ticks);
  draw(document.getElementById("accuracy"), "accuracy", training, (p) => p.accuracy, (p) => p.validAccuracy, 1, [0, 0.5, 1]);
}
