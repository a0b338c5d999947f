// The cards of the classes: their names, their pictures, and how pictures come in.
import {json, request, thumbnail} from "/page/api.js";
import * as camera from "/page/camera.js";
import {filesOf, fromFile, fromVideo} from "/page/pictures.js";

const list = document.getElementById("classes");
const template = document.getElementById("class");
const cards = new Map(); // by id of the class
const addresses = new Map(); // of thumbnails, by id of the picture
const burst = 180; // ms from one picture to the next while a button is held
let taking = null; // id of the class that gets pictures now
let current = null; // id of the class that was used last: pasted pictures go there
let most = Infinity; // bytes of a file
let say = () => {};

// colours of the classes, by their order: Okabe and Ito 2008.
export const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#f0e442", "#7f7f7f", "#6a3d9a", "#b2df8a", "#fb9a99"];

export function begin(tell) {
  say = tell;
  for (const event of ["pointerup", "pointercancel", "blur"]) window.addEventListener(event, release);
}

async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    say(error.message);
    return null;
  }
}

// send puts files into a class, one after the other, and says at the end which of them were refused.
export async function send(id, files) {
  current = id;
  const refused = [];
  for (const file of files) {
    try {
      await request("POST", `classes/${id}/pictures`, await fromFile(file, most));
    } catch (error) {
      refused.push(`${file.name || "picture"}: ${error.message}`);
      if (error.status === 0 || error.status === 409) break; // the next would fare alike
    }
  }
  const shown = refused.slice(0, 4).join("\n");
  if (shown) say(refused.length > 4 ? `${shown}\n… and ${refused.length - 4} more` : shown);
}

// hold takes pictures of a class until release.
export async function hold(id) {
  if (taking !== null) return;
  if (!camera.ready()) {
    say("Switch the camera on first, with C.");
    return;
  }
  taking = current = id;
  cards.get(id)?.root.classList.add("taking");
  while (taking === id && camera.ready()) {
    const began = performance.now();
    try {
      await request("POST", `classes/${id}/pictures`, await fromVideo(document.getElementById("video")));
    } catch (error) {
      say(error.message);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, burst - (performance.now() - began))));
  }
  cards.get(id)?.root.classList.remove("taking");
  if (taking === id) taking = null;
}

export function release() {
  taking = null;
}

// inUse is the class that has the focus, or was used last.
export function inUse() {
  const focused = [...cards].find(([, card]) => card.root.contains(document.activeElement));
  return focused ? focused[0] : cards.has(current) ? current : null;
}

// nth is the id of the class with that number, from 1.
export function nth(n) {
  return [...cards.keys()][n - 1];
}

function make(id) {
  const root = template.content.firstElementChild.cloneNode(true);
  const part = (name) => root.querySelector("." + name);
  const card = {root, name: part("name"), count: part("count"), thumbs: part("thumbs"), number: part("number"), hold: part("hold"),
    clear: part("clear"), pictures: new Map()};
  const file = part("file");
  card.name.addEventListener("change", async () => {
    await attempt(json("PUT", "classes/" + id, {name: card.name.value}));
    card.name.value = card.shown; // the server may have made another name of it
  });
  card.name.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") card.name.blur();
  });
  card.hold.addEventListener("pointerdown", (event) => event.button === 0 && hold(id));
  card.hold.addEventListener("keydown", (event) => {
    if ((event.key === " " || event.key === "Enter") && !event.repeat) hold(id);
  });
  part("files").addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    await send(id, [...file.files]);
    file.value = "";
  });
  card.clear.addEventListener("click", () => attempt(request("DELETE", `classes/${id}/pictures`)));
  part("remove").addEventListener("click", () => attempt(request("DELETE", "classes/" + id)));
  root.addEventListener("pointerdown", () => { current = id; });
  takesDrops(root, (files) => send(id, files));
  list.append(root);
  return card;
}

// takesDrops lets files be dropped on an element.
export function takesDrops(element, take) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    element.classList.remove("over");
    take(filesOf(event.dataTransfer));
  });
}

async function addThumb(card, id) {
  const item = document.createElement("li");
  const img = document.createElement("img");
  img.alt = "picture " + (card.pictures.size + 1);
  img.title = "click or Delete removes it";
  img.tabIndex = -1; // one picture of a class at a time; arrows lead to the others
  img.setAttribute("role", "button");
  img.setAttribute("aria-label", `${img.alt}: remove`);
  const remove = () => attempt(request("DELETE", "pictures/" + id));
  img.addEventListener("click", remove);
  img.addEventListener("focus", () => roving(card, img));
  img.addEventListener("keydown", (event) => {
    const next = {ArrowLeft: item.previousElementSibling, ArrowRight: item.nextElementSibling}[event.key];
    if (["Delete", "Backspace", "Enter", " "].includes(event.key)) remove();
    else if (next) next.firstElementChild.focus();
    else return;
    event.preventDefault();
  });
  item.append(img);
  card.pictures.set(id, item);
  card.thumbs.append(item);
  if (!card.thumbs.contains(document.activeElement)) roving(card, img);
  card.thumbs.scrollLeft = card.thumbs.scrollWidth;
  try {
    if (!addresses.has(id)) addresses.set(id, await thumbnail(id));
    img.src = addresses.get(id);
  } catch {
    take(card, item); // it was removed meanwhile
  }
}

// roving makes a picture the one that Tab leads to.
function roving(card, img) {
  for (const other of card.thumbs.querySelectorAll("img")) other.tabIndex = other === img ? 0 : -1;
}

// take removes a picture's item, and hands the focus on.
function take(card, item) {
  const near = (item.nextElementSibling ?? item.previousElementSibling)?.firstElementChild, focused = item.contains(document.activeElement);
  const reached = item.firstElementChild.tabIndex === 0;
  item.remove();
  if (near && reached) roving(card, near);
  if (focused) (near ?? card.name).focus();
}

function forget(id) {
  URL.revokeObjectURL(addresses.get(id));
  addresses.delete(id);
}

// show brings the cards to a state.
export function show(state) {
  most = state.limits.bytes;
  for (const [id, card] of cards) {
    if (state.classes.some((c) => c.id === id)) continue;
    card.pictures.forEach((_, picture) => forget(picture));
    if (card.root.contains(document.activeElement)) document.getElementById("add").focus();
    card.root.remove();
    cards.delete(id);
  }
  state.classes.forEach((c, i) => {
    if (!cards.has(c.id)) cards.set(c.id, make(c.id));
    const card = cards.get(c.id);
    card.shown = c.name;
    if (document.activeElement !== card.name) card.name.value = c.name;
    card.name.maxLength = state.limits.name;
    card.number.textContent = i + 1;
    card.root.style.setProperty("--mine", colours[i % colours.length]);
    card.count.textContent = c.pictures.length === 1 ? "1 picture" : `${c.pictures.length} pictures`;
    card.clear.disabled = c.pictures.length === 0;
    card.hold.disabled = !camera.isOn();
    card.hold.textContent = camera.isOn() ? "Hold to take pictures" : "Camera is off (C)";
    card.hold.title = i < 9 ? `or hold the key ${i + 1}` : "";
    const there = new Set(c.pictures);
    for (const [id, item] of card.pictures) {
      if (there.has(id)) continue;
      take(card, item);
      forget(id);
      card.pictures.delete(id);
    }
    for (const id of c.pictures) if (!card.pictures.has(id)) addThumb(card, id);
  });
}
