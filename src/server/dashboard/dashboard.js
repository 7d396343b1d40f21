// Keeps the page up to date: data when it is asked for, events as they come, and actions that are confirmed first.

import { Claims } from "./claims.js";
import { button, el, empty, focus, focused, put, tellTimes } from "./dom.js";
import { bars, tree } from "./drawings.js";
import { Filter } from "./filter.js";
import { panels, timeline } from "./panels.js";

const start = JSON.parse(document.getElementById("start").textContent);
const csrf = document.body.dataset.csrf;
const byId = (id) => document.getElementById(id);

let overview = start.overview;
const filter = new Filter(byId("filters"), byId("clear"), () => { byId("claims-list").scrollTop = 0; show(); showBars(); });
const claims = new Claims(byId("claims-list"), byId("claims-count"), filter, act);

// --- asking -------------------------------------------------------------------------------------------------------

async function call(method, path, body) {
  const headers = csrf ? { "X-CSRF-Token": csrf } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (reply.status === 401) location.reload();
  const text = await reply.text();
  let value = null;
  try { value = JSON.parse(text); } catch { /* Not every answer is JSON. */ }
  if (!reply.ok) {
    const detail = value && value.detail;
    throw new Error(typeof detail === "string" ? detail : JSON.stringify(detail) || `status ${reply.status}`);
  }
  return value;
}

let toastGoes;
function say(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastGoes);
  toastGoes = setTimeout(() => { toast.hidden = true; }, 6000);
}

// Asks whether to go on; resolves to what was typed, or to null.
function confirmed(title, text, label, preset) {
  const dialog = byId("confirm");
  const input = byId("confirm-input");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-label").textContent = label || "";
  byId("confirm-more").hidden = !label;
  input.value = preset || "";
  input.disabled = !label;
  dialog.returnValue = "no";
  const opener = focused();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      if (focused() !== opener) focus(opener);
      resolve(dialog.returnValue === "yes" ? input.value : null);
    }, { once: true });
  });
}

// An hour more than what is left: extending never takes time away unless somebody types so.
const hoursMore = (row) => String(Math.max(0, Math.ceil((Date.parse(row.expires_at) - Date.now()) / 3600000)) + 1);

// Every action there is: what is asked, and what is done if the answer is yes.
async function act(name, row) {
  const who = row.requester_engineer || row.engineer || "";
  const answer = (decision, more) => call("POST", `/requests/${encodeURIComponent(row.id)}/respond`,
    { decision, engineer: row.holder_engineer, note: "from the dashboard", ...more });
  const actions = {
    release: ["Release this claim?", `${row.engineer} will no longer have ${row.pattern}.`, null, null,
      () => call("POST", "/claims/release", { claim_ids: [row.id] })],
    extend: ["Extend this claim?", `${row.engineer} keeps ${row.pattern} for longer.`, "Hours from now", hoursMore(row),
      (hours) => call("POST", `/claims/${encodeURIComponent(row.id)}/extend`, { engineer: row.engineer, ttl_hours: Number(hours) })],
    approve: ["Approve?", `${row.holder_engineer} lets go of ${row.holder_pattern} for ${who}.`, null, null, () => answer("approved")],
    deny: ["Deny?", `${row.holder_engineer} keeps ${row.holder_pattern}.`, null, null, () => answer("denied")],
    narrow: ["Narrow?", `${row.holder_engineer} keeps only a part of ${row.holder_pattern}.`, "The part that is kept", row.holder_pattern,
      (part) => answer("narrowed", { narrowed_pattern: part })],
    coexist: ["Share?", `${row.holder_engineer} and ${who} both have some files.`, "Those files", row.holder_pattern,
      (part) => answer("coexist", { coexist_pattern: part })],
    cancel: ["End this wait?", `${who} waits no more for ${row.requester_pattern}.`, null, null,
      () => call("DELETE", `/requests/${encodeURIComponent(row.queue_id)}`)],
    share: ["Share this file?", `From now on everybody may have ${row.pattern} at the same time.`, null, null,
      () => call("POST", "/metrics/hotspots/promote", { action: "shared_file", pattern: row.pattern, repo: row.repo })],
    split: ["Suggest to split it?", `The rules will say that ${row.pattern} should be split.`, "How", "",
      (note) => call("POST", "/metrics/hotspots/promote", { action: "split", pattern: row.pattern, repo: row.repo, note })],
  };
  const [title, text, label, preset, perform] = actions[name];
  const typed = await confirmed(title, text, label, preset);
  if (typed === null) return;
  try {
    await perform(typed);
    say("Done.");
    soon();
  } catch (error) {
    say(error.message);
  }
}

// --- showing ------------------------------------------------------------------------------------------------------

function figure(id, value, kind) {
  const place = byId(id);
  if (place.textContent !== String(value)) place.textContent = value;
  if (kind) place.classList.toggle(kind, value > 0);
}

// Figures may be older than the last event, and the other way round.
let newest = 0;
function reached(revision) {
  newest = Math.max(newest, revision);
  figure("revision", newest);
}

function show() {
  const asks = overview.requests.filter((request) => request.decision === "pending");
  reached(overview.revision);
  figure("stat-waiting", overview.queue.length, "warm");
  figure("stat-asks", asks.length, "warm");
  figure("stat-conflicts", overview.conflicts_24h, "bad");
  figure("stat-repos", overview.repos.length);
  panels(overview, filter, act);
  showClaims();
}

let treeLater;
function showClaims() {
  figure("stat-active", claims.isWhole ? claims.all.size : overview.active);
  claims.show();
  clearTimeout(treeLater);
  treeLater = setTimeout(() => {
    tree(byId("tree"), claims.shown);
    filter.offer("repo", overview.repos.map((row) => row.repo));
    filter.offer("engineer", [...claims.all.values()].map((row) => row.engineer));
  }, 200);
}

let asked = 0;
async function refresh() {
  const mine = ++asked;
  try {
    const fresh = await call("GET", "/dashboard/data");
    if (mine !== asked) return;
    overview = fresh;
    show();
  } catch (error) {
    say(error.message);
  }
}

// However many events come, the figures are asked for once in a while only.
let pending = null;
function soon() {
  if (pending === null) pending = setTimeout(() => { pending = null; refresh(); }, 1000);
  heldChanged = true;
}

// --- claims over time ---------------------------------------------------------------------------------------------

const HOUR = 3600000;
const spans = [["1 h", HOUR], ["6 h", 6 * HOUR], ["24 h", 24 * HOUR], ["7 d", 168 * HOUR]];
let span = 24 * HOUR;
let held = [];
let heldChanged = false;

function showBars() {
  bars(byId("bars"), held.filter((row) => filter.fits(row.repo, [row.engineer], [row.pattern], [row.branch, row.description])), span);
}

const seconds = (at) => new Date(at).toISOString().replace(/\.\d+/, "");

async function recall() {
  heldChanged = false;
  try {
    held = (await call("GET", `/history?limit=500&since=${encodeURIComponent(seconds(Date.now() - span))}`)).claims;
    showBars();
  } catch (error) {
    say(error.message);
  }
}

function choices() {
  const buttons = spans.map(([name, length]) => {
    const made = button(name, () => { span = length; choices(); recall(); }, `the last ${name}`);
    made.setAttribute("aria-pressed", String(length === span));
    return made;
  });
  put(byId("span"), el("legend", { class: "unseen" }, "How far back"), ...buttons);
}

// --- following ----------------------------------------------------------------------------------------------------

const types = ["claim_granted", "claim_extended", "claim_released", "claim_refused", "auto-coexist", "auto-narrow", "coexist",
  "queue_join", "queue_grant", "queue_timeout", "queue_cancel", "queue_leave", "queue_rejoin", "queue_deadlock",
  "request_filed", "request_notified", "request_settled", "request_answered_late", "ownership_set"];

function happened(event) {
  if (event.type === "claim_granted") {
    claims.put({ ...event, id: event.claim_id, created_at: event.at });
  } else if (event.type === "claim_released") {
    claims.all.delete(event.claim_id);
  } else if (event.type === "claim_extended" || event.type === "request_filed") {
    const claim = claims.all.get(event.claim_id);
    if (claim && event.expires_at && !(event.type === "request_filed" && claim.expires_at < event.expires_at)) {
      claims.put({ ...claim, expires_at: event.expires_at });
    }
  }
  reached(event.revision);
  // The figures may have come with it already.
  if (!overview.timeline.some((known) => known.revision === event.revision)) overview.timeline.unshift(event);
  overview.timeline.length = Math.min(overview.timeline.length, 50);
  showSoon();
  soon();
}

// Many events may come at once: what they changed is drawn once.
let frame = null;
function showSoon() {
  if (frame === null) frame = requestAnimationFrame(() => { frame = null; show(); });
}

function follow(since) {
  const source = new EventSource(`/events?since=${since}`);
  const live = byId("live");
  source.onopen = () => { live.textContent = "live"; live.classList.add("on"); };
  source.onerror = () => {
    live.textContent = "connecting";
    live.classList.remove("on");
    // The browser tries again by itself, unless the answer was a refusal.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  };
  types.forEach((type) => source.addEventListener(type, (message) => happened(JSON.parse(message.data))));
  source.addEventListener("snapshot", (message) => {
    claims.set(JSON.parse(message.data).claims);
    showSoon();
    soon();
  });
}

async function begin() {
  const since = overview.revision;
  claims.set(start.claims);
  claims.isWhole = overview.active <= start.claims.length;
  choices();
  show();
  if (!claims.isWhole) {
    // All of them. What happens meanwhile is told by events again: being told twice changes nothing.
    try { claims.set((await call("GET", "/claims")).claims); } catch (error) { say(error.message); }
    claims.isWhole = true;
    showClaims();
  }
  follow(since);
  recall();
  setInterval(() => { tellTimes(); claims.again(); }, 15000);
  setInterval(() => { if (heldChanged) recall(); else showBars(); }, 5000);
}

byId("past-form").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const form = new FormData(submitted.target);
  const query = new URLSearchParams({ path: form.get("path") });
  if (form.get("since")) query.set("since", `${form.get("since")}T00:00:00Z`);
  const past = byId("past");
  try {
    const found = await call("GET", `/history?${query}`);
    if (!found.claims.length && !found.events.length) {
      past.replaceChildren(empty("Nobody had it in that time. Try an earlier day, or a shorter path."));
      return;
    }
    const since = form.get("since") ? Date.parse(`${form.get("since")}T00:00:00Z`) : Date.now() - 7 * 24 * HOUR;
    const drawing = el("div", { class: "list" });
    bars(drawing, found.claims, Date.now() - since);
    past.replaceChildren(drawing, el("div", { class: "list" }, timeline(found.events)));
  } catch (error) {
    past.replaceChildren(el("p", { class: "wrong" }, error.message));
  }
});

begin();
