// The panels that are tables and figures. Everything from outside goes in as text, never as markup.

export function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(text, act, attributes) {
  const made = el("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", act);
  return made;
}

function span(ms) {
  const minutes = Math.round(Math.abs(ms) / 60000);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d`;
}

export const left = (until) => `${span(Date.parse(until) - Date.now())} left`;
const ago = (at) => `${span(Date.now() - Date.parse(at))} ago`;

function table(headers, rows, empty) {
  if (!rows.length) return el("p", { class: "empty" }, empty);
  const head = el("thead", {}, el("tr", {}, headers.map((name) => el("th", { scope: "col" }, name))));
  const body = el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, ...[cell].flat())))));
  return el("table", {}, head, body);
}

const put = (id, ...children) => document.getElementById(id).replaceChildren(...children);
const path = (text) => el("span", { class: "path" }, text || "");
const time = (at) => el("time", { datetime: at, title: at }, ago(at));

export function panels(data, act) {
  put("resolutions", el("p", {}, `${data.auto_coexist_24h} side by side, ${data.auto_narrow_24h} carved out`));
  heatmap(data.heatmap);
  hotspots(data.hotspots, act);
  queue(data.queue, act);
  webhooks(data.webhooks);
  put("repos", table(["Repository", "Active", "Claims 24 h", "Engineers", "Last claim"],
    data.repos.map((row) => [path(row.repo), row.active_claims, row.claims_24h, row.engineers_24h, time(row.last_activity)]),
    "No repository yet. In a clone, run: coord init"));
  put("modules", table(["Module", "Claims"], data.modules.map((row) => [path(row.name), row.claims]),
    "Nothing was claimed within a day."));
  put("conflicts", table(["When", "Who", "Wanted", "Holder", "Had", "Now"],
    data.conflicts.map((row) => [time(row.at), row.engineer, path(row.pattern), row.holder || "", path(row.held),
      el("span", { class: row.status === "blocked" ? "chip blocked" : "chip" }, row.status)]),
    "Nobody was turned away. That is how it should be."));
  requests(data.requests, act);
  timeline(data.timeline);
}

function heatmap(days) {
  if (!days.length) {
    put("heatmap", el("p", { class: "empty" }, "Nothing yet. Claim symbols (coord claim src/a.ts::Router) to work in one file side by side."));
    return;
  }
  const repos = [...new Set(days.map((day) => day.repo))];
  const counts = new Map(days.map((day) => [`${day.repo} ${day.date}`, day.auto_coexist + day.auto_narrow]));
  const dates = Array.from({ length: 30 }, (_, back) => new Date(Date.now() - (29 - back) * 86400000).toISOString().slice(0, 10));
  const rows = repos.map((repo) => {
    const cells = dates.map((date, at) => {
      const count = counts.get(`${repo} ${date}`) || 0;
      const level = [1, 3, 10, 50].filter((least) => count >= least).length;
      const cell = svg("rect", { x: at * 12, y: 0, width: 10, height: 10, rx: 2, class: `cell l${level}` });
      cell.append(svg("title", {}, `${date}: ${count}`));
      return cell;
    });
    return [path(repo), svg("svg", { viewBox: "0 0 360 10", width: 360, height: 10, role: "img", "aria-label": `Shared without asking in ${repo}, by day` }, ...cells)];
  });
  put("heatmap", table(["Repository", "The last 30 days"], rows, ""));
}

export function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function hotspots(rows, act) {
  put("hotspots", table(["What", "Turned away", "Advice", ""], rows.map((row) => [
    path(row.pattern), `${row.attempts} times, by ${row.distinct_attempters}`,
    el("span", { class: "chip" }, row.shared_by ? "shared" : row.split_suggested_at !== undefined ? "to be split" : row.suggested_action),
    row.shared_by ? "" : [button("Share", () => act("share", row), { "aria-label": `share ${row.pattern}` }), " ",
      button("Split", () => act("split", row), { "aria-label": `split ${row.pattern}` })],
  ]), "No file is in great demand. One that five are turned away from shows up here."));
}

function queue(rows, act) {
  const depth = new Map();
  rows.forEach((row) => depth.set(row.repo || "", [...(depth.get(row.repo || "") || []), row]));
  const summary = [...depth].map(([repo, all]) => el("p", { class: "faint" },
    `${repo || "no repository"}: ${all.length} waiting, first ${all[0].requester_engineer} for ${all[0].requester_pattern}`));
  put("queue", ...summary, table(["Who", "For", "Behind", "Place", "Since", "Gives up", ""], rows.map((row) => [
    row.requester_engineer, path(row.patterns.join(", ")), [row.blocking_engineer, " ", path(row.blocking_pattern)], row.position,
    time(row.enqueued_at), left(row.expires_at),
    button("Cancel", () => act("cancel", row), { "aria-label": `end the wait of ${row.requester_engineer}` }),
  ]), "Nobody waits. With coord claim PATTERN --wait 10m one does."));
}

function webhooks(rows) {
  if (!rows) {
    put("webhooks", el("p", { class: "empty" }, "No webhook is configured. Set COORD_WEBHOOK_URL to tell another program what happens."));
    return;
  }
  put("webhooks", table(["Event", "Delivered", "Pending", "Failed", "Given up"],
    rows.map((row) => [row.event_type, row.delivered, row.pending, row.failed, row.exhausted]), "Nothing was sent within a day."));
}

function requests(rows, act) {
  const word = (name, row) => button(name[0].toUpperCase() + name.slice(1), () => act(name, row),
    { "aria-label": `${name} the request of ${row.requester_engineer} for ${row.holder_pattern}` });
  put("requests", table(["Who", "Asks", "For", "Why", "When", "Decision"], rows.map((row) => [
    row.requester_engineer, row.holder_engineer, path(row.requested_pattern), row.reason || "", time(row.created_at),
    row.decision === "pending" ? ["approve", "deny", "narrow", "coexist"].flatMap((name) => [word(name, row), " "])
      : el("span", { class: "chip" }, row.decision),
  ]), "Nobody has asked anybody to let go. coord request ID does."));
}

const words = {
  claim_granted: "claimed", claim_extended: "extended", claim_released: "no longer has", claim_refused: "was refused",
  queue_join: "waits for", queue_grant: "was let in to", queue_timeout: "waited in vain for", queue_cancel: "was taken out of the queue for",
  queue_leave: "left the queue for", request_filed: "asks for", request_notified: "was shown a request for", request_settled: "answered a request for",
};

export function timeline(events, place) {
  const list = table(["When", "Who", "What", "", "How"], events.map((event) => [
    time(event.at), event.engineer || "", words[event.type] || event.type,
    path(event.pattern), event.release_kind || event.decision || (event.holders && event.holders.map((party) => party.engineer).join(", ")) || "",
  ]), "Nothing has happened yet. In a clone, run: coord claim 'src/auth/**'");
  (place || document.getElementById("timeline")).replaceChildren(list);
}
