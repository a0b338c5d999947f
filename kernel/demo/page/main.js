// The page: it shows the state that the server sends, and turns clicks and keys into requests.
import {json, request, watch} from "/page/api.js";
import * as ask from "/page/ask.js";
import * as camera from "/page/camera.js";
import * as classes from "/page/classes.js";
import * as curve from "/page/curve.js";
import {filesOf} from "/page/pictures.js";

const byID = (id) => document.getElementById(id);
let state = null;
let quiet = 0;

// say shows what went wrong, until the next message or for ten seconds.
function say(text) {
  clearTimeout(quiet);
  if (byID("message").textContent !== text) byID("message").textContent = text; // a screen reader would read it again
  byID("message").hidden = text === "";
  if (text) quiet = setTimeout(() => say(""), 10000);
}

async function attempt(method, path, body) {
  try {
    say("");
    await request(method, path, body);
  } catch (error) {
    say(error.message);
  }
}

const engineWords = {starting: "loading the network …", ready: "the network is ready", down: "the engine is down"};

function show(next) {
  if (next.engine.text && next.engine.text !== state?.engine.text) say(next.engine.text);
  if (next.training.state === "failed" && state?.training.state === "running") say(next.training.text);
  state = next;
  byID("engine").textContent = (next.engine.state !== "ready" && next.engine.text || engineWords[next.engine.state]) + (next.unseen > 0 && next.engine.state === "ready" ? `; looking at ${next.unseen} new` : "");
  classes.show(next);
  curve.show(next.training);
  ask.show(next);
  showTraining(next);
  byID("add").disabled = next.classes.length >= next.limits.classes;
  byID("kept").textContent = next.kept ? `Pictures and models are kept in ${next.kept}.`
    : "Pictures stay on this machine, in a temporary folder that is removed when the demo ends.";
}

function showTraining(next) {
  const t = next.training, running = t.state === "running";
  byID("training").setAttribute("aria-live", running ? "off" : "polite"); // who hears the page hears the end, not each epoch
  const filled = next.classes.filter((c) => c.pictures.length > 0).length;
  byID("train").disabled = !running && filled < 2;
  byID("train-text").textContent = running ? "Stop" : next.model ? "Train again" : "Train";
  byID("held").textContent = t.state && t.held > 0 ? `${t.rows} pictures to learn from, ${t.held} to judge by`
    : t.state ? `${t.rows} pictures to learn from; five of each class are needed to hold some out` : "";
  byID("training").textContent = trainingWords(next, filled);
}

function trainingWords(next, filled) {
  const t = next.training;
  switch (t.state) {
  case "running":
    return t.curve.length > (t.phases?.at(-1)?.after ?? 0) ? `${t.phases.at(-1).name}, epoch ${t.curve.length} of ${t.epochs}${t.left > 0 ? `, ${t.left.toFixed(t.left < 10 ? 1 : 0)} s left` : ""}` : t.text || "getting ready";
  case "failed":
    return t.text;
  case "":
    return filled < 2 ? "Give two classes some pictures; ten of each are a good start." : "Ready to train.";
  }
  const how = t.state === "stopped" ? `stopped after ${t.curve.length} epochs` : `trained in ${t.seconds.toFixed(1)} s, epoch ${t.kept} of ${t.curve.length} stands`;
  const since = next.model?.stale ? " There are changes since: train again." : "";
  const first = next.model?.seconds > 0 ? ` From the first picture to the first prediction: ${next.model.seconds.toFixed(0)} s.` : "";
  return `${how}.${since}${first}${t.text ? " " + t.text : ""}`;
}

async function toggleCamera() {
  say("");
  try {
    if (camera.isOn()) camera.stop();
    else await camera.start(() => cameraOff("The camera has gone: its cable, or the permission. C switches it on again."));
  } catch (error) {
    camera.stop();
    say(error.message);
  }
  showCamera();
}

function cameraOff(why) {
  camera.stop();
  classes.release();
  say(why);
  showCamera();
}

function showCamera() {
  byID("camera").setAttribute("aria-pressed", camera.isOn());
  if (state) show(state);
}

function toggleHeat() {
  const on = byID("heat").getAttribute("aria-pressed") !== "true";
  byID("heat").setAttribute("aria-pressed", on);
  ask.withHeat(on);
}

function toggleTune() {
  byID("tune").setAttribute("aria-pressed", byID("tune").getAttribute("aria-pressed") !== "true");
}

const root = document.documentElement;
root.dataset.theme = localStorage.getItem("tlab-demo-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
function toggleTheme() {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("tlab-demo-theme", root.dataset.theme);
}

function train() {
  if (byID("train").disabled) return;
  const tune = byID("tune").getAttribute("aria-pressed") === "true" ? "yes" : "no";
  attempt("POST", state.training.state === "running" ? "stop" : "train?fine-tune=" + tune);
}

function reset() {
  classes.release();
  attempt("POST", "reset");
}

const addClass = () => state && json("POST", "classes", {name: ""}).catch((error) => say(error.message));
const keys = {c: toggleCamera, f: toggleTune, h: toggleHeat, d: toggleTheme, t: train, n: addClass, r: reset, "?": () => byID("keys").showModal(), Escape: ask.back};

function listen() {
  for (const [id, f] of Object.entries({camera: toggleCamera, tune: toggleTune, heat: toggleHeat, theme: toggleTheme, train, add: addClass, reset, back: ask.back})) {
    byID(id).addEventListener("click", f);
  }
  byID("help").addEventListener("click", () => byID("keys").showModal());
  byID("open").addEventListener("click", () => byID("ask-file").click());
  byID("ask-file").addEventListener("change", async (event) => {
    if (event.target.files[0]) await ask.about(event.target.files[0], say);
    event.target.value = "";
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (/^[1-9]$/.test(key) && classes.nth(Number(key)) !== undefined) classes.hold(classes.nth(Number(key)));
    else if (Object.hasOwn(keys, key)) keys[key]();
  });
  document.addEventListener("keyup", classes.release); // of any key: with Shift a digit comes up as another, and the focus may have moved on
  classes.takesDrops(byID("view"), (files) => files[0] && ask.about(files[0], say));
  // What is dropped beside everything would make the browser leave the page.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => event.preventDefault());
  document.addEventListener("paste", (event) => {
    const files = filesOf(event.clipboardData);
    if (files.length === 0) return;
    event.preventDefault();
    const id = byID("ask").contains(document.activeElement) ? null : classes.inUse();
    if (id !== null) classes.send(id, files);
    else if (state?.model) ask.about(files[0], say);
    else say("Click on a class first: pasted pictures go there.");
  });
}

listen();
classes.begin(say);
ask.begin(say);
let lost = false;
watch((next) => {
  if (lost) say("");
  lost = false;
  show(next);
}, (why) => {
  lost = true;
  byID("engine").textContent = "no connection";
  say(why);
});
