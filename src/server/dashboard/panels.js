// The panels that are tables, lists and figures.

import { ago, button, chip, el, empty, left, path, put, table, who } from "./dom.js";
import { graph, heat } from "./drawings.js";

const byId = (id) => document.getElementById(id);
const drawn = new Map();

// Makes a panel again if what it shows has changed.
function panel(id, data, make) {
  const now = JSON.stringify(data ?? null);
  if (drawn.get(id) === now) return;
  drawn.set(id, now);
  put(byId(id), ...[make(data)].flat());
}

export function panels(data, filter, act) {
  panel("resolutions", [data.auto_coexist_24h, data.auto_narrow_24h], resolutions);
  panel("heatmap", data.heatmap, heatmap);
  panel("hotspots", data.hotspots, (rows) => hotspots(rows, act));
  panel("webhooks", data.webhooks, webhooks);
  panel("repos", data.repos, repos);
  panel("modules", data.modules, modules);
  panel("module-heatmap", data.modules, moduleHeatmap);
  const requests = data.requests.filter((row) => filter.fits(row.holder_repo, [row.requester_engineer, row.holder_engineer],
    [row.requested_pattern, row.holder_pattern], [row.reason]));
  const pressing = (row) => urgencies.indexOf(row.urgency);
  const open = requests.filter((row) => row.decision === "pending").sort((a, b) => pressing(b) - pressing(a));
  panel("asks", open, (rows) => asks(rows, act));
  panel("requests", requests.filter((row) => row.decision !== "pending"), answered);
  const waiting = data.queue.filter((row) => filter.fits(row.repo, [row.requester_engineer, row.blocking_engineer],
    [...row.patterns, row.blocking_pattern]));
  panel("queue", waiting, (rows) => queue(rows, act));
  graph(byId("graph"), waiting, open);
  panel("conflicts", data.conflicts.filter((row) => filter.fits(row.repo, [row.engineer, row.holder], [row.pattern, row.held], [row.status])), conflicts);
  panel("timeline", data.timeline.filter((event) => filter.fits(event.repo, people(event), [event.pattern, event.path])), timeline);
}

const people = (event) => [event.engineer, ...(event.holders || []).map((party) => party.engineer)];

const resolutions = ([coexist, narrow]) => el("p", { class: "figures" },
  el("span", {}, el("b", {}, coexist), " side by side in 24 h"), el("span", {}, el("b", {}, narrow), " carved out in 24 h"));

function heatmap(days) {
  if (!days.length) return empty("Nothing yet. Claim symbols to work in one file side by side:", "coord claim src/a.ts::Router");
  const dates = Array.from({ length: 30 }, (_, back) => new Date(Date.now() - (29 - back) * 86400000).toISOString().slice(0, 10));
  const counts = new Map(days.map((day) => [`${day.repo} ${day.date}`, day.auto_coexist + day.auto_narrow]));
  const rows = [...new Set(days.map((day) => day.repo))].map((repo) => [repo, dates.map((date) => counts.get(`${repo} ${date}`) || 0)]);
  return heat(rows, [1, 3, 10, 50], (repo) => `Shared without asking in ${repo}, by day`, (at) => dates[at], "30 days ago", "today");
}

function moduleHeatmap(rows) {
  if (!rows.length) return empty("Nothing was held within a day.");
  const hour = (at) => `${23 - at} h ago`;
  return heat(rows.map((row) => [row.name, row.hours]), [1, 3, 6, 12], (name) => `Claims held in ${name}, by hour`, hour, "a day ago", "now");
}

function modules(rows) {
  const busy = rows.filter((row) => row.claims).slice(0, 5);
  if (!busy.length) return empty("Nothing was claimed within a day.");
  return table(["Module", "Claims#"], busy.map((row) => [path(row.name), row.claims]));
}

function repos(rows) {
  if (!rows.length) return empty("No repository yet. In a clone, run", "coord init");
  return table(["Repository", "Active#", "24 h#", "People#", "Last claim"], rows.map((row) =>
    [path(row.repo), row.active_claims, row.claims_24h, row.engineers_24h, ago(row.last_activity)]));
}

function hotspots(rows, act) {
  if (!rows.length) return empty("No file is in great demand. One that was refused five times shows up here.");
  const state = (row) => (row.shared_by ? chip("shared", "good") : row.split_suggested_at !== undefined ? chip("to be split", "mark")
    : chip(row.suggested_action, row.suggested_action === "monitor" ? "" : "warm"));
  return table(["What", "Refused#", "People#", "Advice", ""], rows.map((row) => [
    [path(row.pattern), " ", el("span", { class: "faint" }, row.repo || "")], row.attempts, row.distinct_attempters, state(row),
    row.shared_by ? "" : [button("Share", () => act("share", row), `share ${row.pattern}`), " ",
      button("Split", () => act("split", row), `split ${row.pattern}`)],
  ]));
}

function queue(rows, act) {
  if (!rows.length) return empty("Nobody waits. To wait for a claim to end:", "coord claim PATTERN --wait 10m");
  const depth = new Map();
  rows.forEach((row) => depth.set(row.repo, (depth.get(row.repo) || 0) + 1));
  const summary = [...depth].map(([repo, count]) => `${repo || "no repository"}: ${count}`).join(" · ");
  return [el("p", { class: "faint empty" }, summary), el("ul", { class: "items" }, rows.map((row) => el("li", {},
    el("div", { class: "line" }, who(row.requester_engineer), path(row.patterns.join(", ")), urgency(row.urgency), left(row.expires_at)),
    el("div", { class: "line faint" }, `${ordinal(row.position)} behind`, who(row.blocking_engineer), path(row.blocking_pattern),
      el("span", { class: "push" }, button("Cancel", () => act("cancel", row), `end the wait of ${row.requester_engineer}`, "small grave"))))))];
}

const ordinal = (place) => (place === 1 ? "next," : `place ${place},`);
const urgencies = ["low", "normal", "high", "blocking"];
const urgency = (word) => (word === "high" || word === "blocking" ? chip(word, "bad") : null);

function asks(rows, act) {
  if (!rows.length) return empty("Nobody asks anybody to let go. To ask:", "coord request CLAIM --reason 'why'");
  const word = (name, row, kind) => button(name[0].toUpperCase() + name.slice(1), () => act(name, row),
    `${name} the request of ${row.requester_engineer} for ${row.holder_pattern}`, kind);
  return el("ul", { class: "items" }, rows.map((row) => el("li", {},
    el("div", { class: "line" }, who(row.requester_engineer), el("span", { class: "faint" }, "asks"), who(row.holder_engineer), urgency(row.urgency), ago(row.created_at)),
    el("div", { class: "line" }, el("span", { class: "faint" }, "for"), path(row.requested_scope || row.requested_pattern)),
    row.reason ? el("div", { class: "line quote" }, row.reason) : null,
    el("div", { class: "buttons" }, word("approve", row, "small"), word("narrow", row), word("coexist", row), word("deny", row, "small grave")))));
}

const decisions = { approved: "good", narrowed: "good", coexist: "good", denied: "bad", expired: "warm" };

function answered(rows) {
  if (!rows.length) return empty("No request has been answered yet.");
  return table(["When", "Who", "Asked", "For", "Answer"], rows.map((row) => [
    ago(row.decided_at || row.created_at), who(row.requester_engineer), who(row.holder_engineer), path(row.requested_pattern),
    [chip(row.decision, decisions[row.decision]), row.note ? el("div", { class: "faint" }, row.note) : null].filter(Boolean)]));
}

const standing = { blocked: "bad", stale: "warm", released: "good", "ttl-expired": "good", "idle-released": "good", missing: "" };

function conflicts(rows) {
  if (!rows.length) return empty("Nobody was turned away. That is how it should be.");
  return table(["When", "Who", "Wanted", "Holder", "Now"], rows.map((row) => [ago(row.at), who(row.engineer), path(row.pattern),
    [who(row.holder), row.held && row.held !== row.pattern ? [" ", path(row.held)] : []].flat(), chip(row.status, standing[row.status])]));
}

function webhooks(rows) {
  if (!rows) return empty("No webhook is configured. To tell another program what happens, set", "COORD_WEBHOOK_URL");
  if (!rows.length) return empty("Nothing was sent within a day.");
  return table(["Event", "Delivered#", "Pending#", "Failed#", "Given up#"],
    rows.map((row) => [row.event_type, row.delivered, row.pending, row.failed, row.exhausted]));
}

// What an event says, and how it looks.
const words = {
  claim_granted: ["claimed", "good"], claim_extended: ["extended", "good"], claim_released: ["no longer has", ""], claim_refused: ["was refused", "bad"],
  "auto-coexist": ["shares", "mark"], "auto-narrow": ["shares a part of", "mark"], coexist: ["agreed to share", "mark"],
  queue_join: ["waits for", "warm"], queue_rejoin: ["waits again for", "warm"], queue_grant: ["was let in to", "good"], queue_timeout: ["waited in vain for", "bad"],
  queue_cancel: ["was taken out of the queue for", ""], queue_leave: ["left the queue for", ""], queue_deadlock: ["would have waited forever for", "bad"],
  request_filed: ["asks for", "warm"], request_notified: ["was shown a request for", ""], request_settled: ["answered a request for", "mark"],
  request_answered_late: ["answered too late", ""], ownership_set: ["The rules of ownership changed", "mark"],
};

const endings = { voluntary: "let go", "session-bulk": "session ended", "ttl-or-idle": "time is up", "ttl-shortened": "time is up, it was asked for",
  approved: "gave it away", narrowed: "kept a part", undelivered: "was gone" };

export function timeline(events) {
  if (!events.length) return empty("Nothing has happened yet. In a clone, run", "coord claim 'src/auth/**'");
  return el("ul", { class: "items" }, events.map((event) => {
    const [what, kind] = words[event.type] || [event.type, ""];
    const others = (event.holders || []).map((party) => party.engineer);
    const how = endings[event.release_kind] || event.decision || (others.length ? `with ${[...new Set(others)].join(", ")}` : "");
    const said = event.type === "claim_refused" && others.length ? `${[...new Set(others)].join(", ")} has it` : how;
    return el("li", { class: "line" }, who(event.engineer), chip(what, kind), path(event.path || event.pattern),
      el("span", { class: "faint" }, said), ago(event.at));
  }));
}
