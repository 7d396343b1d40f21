// Pieces that every panel is made of. Everything from outside goes in as text, never as markup.

export function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// `label` says to a screen reader what is meant, and names the button while the panel around it is made again.
export function button(text, act, label, kind) {
  const made = el("button", { type: "button", class: kind || "small", ...(label ? { "aria-label": label, title: label } : {}) }, text);
  made.addEventListener("click", act);
  return made;
}

export const path = (text) => el("span", { class: "path", title: text || "" }, text || "");
export const chip = (text, tone) => el("span", { class: tone ? `chip ${tone}` : "chip" }, text);

// What to do is set as code: empty("Nobody waits. To wait:", "coord claim PATTERN --wait 10m").
export const empty = (text, command) => el("p", { class: "empty" }, text, command ? [" ", el("code", {}, command)] : []);

// The same colour for the same name, wherever it is.
export function tone(name) {
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) % 9973;
  return `tone-${sum % 10}`;
}

export function face(name) {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : [...(words[0] || "?")].slice(0, 2).join("");
  return el("span", { class: `face ${tone(name)}`, "aria-hidden": "true" }, letters.toUpperCase());
}

export const who = (name) => (name ? el("span", { class: "who", title: name }, face(name), el("span", {}, name)) : "");

function span(ms) {
  const minutes = Math.round(Math.abs(ms) / 60000);
  if (minutes < 1) return `${Math.round(Math.abs(ms) / 1000)} s`;
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
  return `${Math.floor(minutes / 1440)} d`;
}

const SOON = 10 * 60000;
const phrases = {
  ago: (ms) => (ms > -5000 ? "now" : `${span(ms)} ago`),
  left: (ms) => `${span(Math.max(0, ms))} left`,
};

// Moments are told as how far they are away, and told again as they move.
function moment(at, kind) {
  const made = el("time", { datetime: at, title: at, "data-kind": kind });
  tell(made);
  return made;
}

function tell(made) {
  const ms = Date.parse(made.dateTime) - Date.now();
  made.textContent = phrases[made.dataset.kind](ms);
  made.classList.toggle("soon", made.dataset.kind === "left" && ms < SOON);
}

export const ago = (at) => moment(at, "ago");
export const left = (at) => moment(at, "left");
export const tellTimes = () => document.querySelectorAll("time[data-kind]").forEach(tell);

// Panels are made again while somebody uses them, so what has the focus is known by its name.
export const focused = () => document.activeElement && document.activeElement.getAttribute("aria-label");

export function focus(name, place = document) {
  for (const again of name ? place.querySelectorAll("button") : []) {
    if (again.getAttribute("aria-label") === name) again.focus({ preventScroll: true });
  }
}

// Puts new content into a place. Whoever was on a button there still is, if there is one of that name.
export function put(place, ...children) {
  const name = place.contains(document.activeElement) && focused();
  place.replaceChildren(...children);
  focus(name, place);
}

// The same, without touching what is there already: somebody may be about to click on it.
export function keep(place, children) {
  const name = place.contains(document.activeElement) && focused();
  const kept = new Set(children);
  for (const child of [...place.children]) if (!kept.has(child)) child.remove();
  children.forEach((child, at) => { if (place.children[at] !== child) place.insertBefore(child, place.children[at] || null); });
  if (name !== focused()) focus(name, place);
}

// Columns are names; one that ends in # holds numbers.
export function table(columns, rows) {
  const kind = (at) => (columns[at].endsWith("#") ? { class: "number" } : columns[at] === "" ? { class: "actions" } : {});
  const head = columns.map((name, at) => el("th", { scope: "col", ...kind(at) }, name.replace("#", "")));
  const cells = (row) => row.map((cell, at) => el("td", kind(at), ...[cell].flat()));
  return el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows.map((row) => el("tr", {}, cells(row)))));
}
