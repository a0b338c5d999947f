// What the model says of the camera's picture, again and again, or of one that was dropped.
import {request} from "/page/api.js";
import * as camera from "/page/camera.js";
import {colours} from "/page/classes.js";
import {fromFile, fromVideo} from "/page/pictures.js";

const byID = (id) => document.getElementById(id);
const view = byID("view"), video = byID("video"), still = byID("still"), map = byID("map"), verdict = byID("verdict"), bars = byID("bars"), speed = byID("speed");
let state = null;
let picture = null; // the one that was dropped, as JPEG; null is the camera
let heat = true;
let turn = 0; // counts what is asked about, so that a late answer is not shown with another picture
let heard = 0; // when the last answer came

export function begin(say) {
  live(say);
}

// show takes a state; a new model answers again.
export function show(next) {
  const runs = next.training.state === "running", ran = state?.training.state === "running", ended = ran && !runs;
  const reset = state !== null && next.round !== state.round;
  state = next;
  if (reset) back();
  else if (ended && next.model && picture !== null) askOnce(() => {});
  video.hidden = picture !== null || !camera.isOn();
  still.hidden = picture === null;
  byID("empty").hidden = picture !== null || camera.isOn();
  byID("back").hidden = picture === null;
  view.classList.toggle("mirrored", picture === null);
  if (!next.model || (runs && !ran)) { // the engine forgets a model when it trains another
    clear();
    verdict.textContent = "";
  }
}

function clear() {
  bars.replaceChildren();
  speed.textContent = "";
  map.getContext("2d").clearRect(0, 0, map.width, map.height);
}

// about asks about a file, and shows it until back.
export async function about(file, say) {
  if (state === null) return;
  let jpeg;
  try {
    jpeg = await fromFile(file, state.limits.bytes);
  } catch (error) {
    say(error.message);
    return;
  }
  turn++;
  picture = jpeg;
  clear();
  verdict.textContent = "";
  URL.revokeObjectURL(still.src);
  still.src = URL.createObjectURL(jpeg);
  still.alt = file.name || "picture";
  show(state);
  if (!state.model) say("There is no model yet: train first.");
  else await askOnce(say);
}

async function askOnce(say) {
  const mine = turn;
  for (;;) {
    try {
      const answer = await request("POST", "predict", picture);
      if (mine === turn) present(answer);
      return;
    } catch (error) {
      if (error.status !== 429) {
        if (mine === turn) say(error.message);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (mine !== turn) return;
    }
  }
}

// back returns to the camera.
export function back() {
  if (picture !== null) URL.revokeObjectURL(still.src);
  still.removeAttribute("src");
  picture = null;
  turn++;
  clear();
  verdict.textContent = "";
  if (state) show(state);
}

// withHeat switches the heat map on or off.
export function withHeat(on) {
  heat = on;
  map.hidden = !on;
}

// live asks about the camera's pictures one after the other, as fast as the answers come.
async function live(say) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (!state?.model || state.training.state === "running" || picture !== null || !camera.ready() || document.hidden || state.engine.state !== "ready") continue;
    const mine = turn;
    try {
      const answer = await request("POST", "predict", await fromVideo(video));
      if (mine === turn && camera.isOn() && state.model) present(answer);
    } catch (error) {
      const engine = state.engine.text;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      // An engine that ended makes requests fail before the server has said so, which says it better.
      if (![0, 409, 429].includes(error.status) && state.engine.state === "ready" && state.engine.text === engine) say(error.message);
    }
  }
}

function present(answer) {
  const [first, second] = answer.classes;
  const unsure = first.probability < 0.6;
  const name = (c) => c.name || "(a class that was removed)";
  const text = unsure && second ? `${name(first)} or ${name(second)}?` : name(first);
  if (verdict.textContent !== text) verdict.textContent = text; // a screen reader hears changes alone
  verdict.classList.toggle("unsure", unsure);
  const order = state.classes.map((c) => c.id);
  const rows = [...answer.classes].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  while (bars.childElementCount > rows.length) bars.lastElementChild.remove();
  rows.forEach((c, i) => {
    const row = bars.children[i] ?? bars.appendChild(bar());
    row.style.setProperty("--mine", colours[order.indexOf(c.id) % colours.length] ?? "#7f7f7f");
    row.children[0].style.width = `${(100 * c.probability).toFixed(1)}%`;
    row.children[1].textContent = name(c);
    row.children[2].textContent = `${Math.round(100 * c.probability)} %`;
  });
  const now = performance.now();
  const rate = picture === null && now - heard < 5000 ? `, ${(1000 / (now - heard)).toFixed(1)} pictures a second` : "";
  heard = now;
  speed.textContent = `The network took ${Math.round(1000 * answer.seconds)} ms${rate}.`;
  drawHeat(answer.heat);
}

function bar() {
  const row = document.createElement("li");
  for (const name of ["fill", "label", "share"]) {
    const part = document.createElement("span");
    part.className = name;
    row.append(part);
  }
  row.children[0].setAttribute("aria-hidden", "true");
  return row;
}

// stops of the heat map's colours, from what says nothing to what says most: of "inferno", which also reads in grey.
const stops = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];

function colour(v) {
  const at = Math.min(v, 0.9999) * (stops.length - 1), i = Math.floor(at);
  return stops[i].map((from, k) => from + (at - i) * (stops[i + 1][k] - from));
}

function drawHeat(h) {
  const c = map.getContext("2d");
  if (!h) {
    c.clearRect(0, 0, map.width, map.height);
    return;
  }
  const small = new OffscreenCanvas(h.columns, h.rows), to = small.getContext("2d"), pixels = to.createImageData(h.columns, h.rows);
  h.values.forEach((v, i) => pixels.data.set([...colour(v), 15 + 160 * v], 4 * i));
  to.putImageData(pixels, 0, 0);
  // The network sees the picture squeezed into a square; the page shows it, and so the map, as it is.
  const [wide, high] = picture === null ? [1, 1] : [still.naturalWidth || 1, still.naturalHeight || 1];
  map.width = Math.max(1, Math.round(224 * wide / Math.max(wide, high)));
  map.height = Math.max(1, Math.round(224 * high / Math.max(wide, high)));
  c.imageSmoothingQuality = "high";
  c.drawImage(small, 0, 0, map.width, map.height);
  map.hidden = !heat;
}
