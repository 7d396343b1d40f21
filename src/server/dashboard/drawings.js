// The panels that are drawings: the tree of claimed paths, who waits for whom, claims over time, and heat.

import { el, empty, face, path, svg, tone } from "./dom.js";

// What is drawn at most; the list of claims has them all.
const MOST_NODES = 60;
const MOST_BARS = 60;
const MOST_BRANCHES = 200;

export function tree(place, claims) {
  const root = { children: new Map(), count: 0, who: new Set() };
  for (const claim of claims) {
    let node = root;
    for (const name of [claim.repo || "no repository", ...claim.pattern.replace(/^\.?\//, "").split("/")]) {
      node.count += 1;
      node.who.add(claim.engineer);
      if (!node.children.has(name)) node.children.set(name, { children: new Map(), count: 0, who: new Set() });
      node = node.children.get(name);
    }
    node.count += 1;
    node.who.add(claim.engineer);
  }
  if (!root.count) {
    place.replaceChildren(empty("An empty tree: every path is free."));
    return;
  }
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.path));
  const focused = place.contains(document.activeElement) && document.activeElement.parentElement.dataset.path;
  place.replaceChildren(...branches(root, "", open, 0));
  for (const branch of focused ? place.querySelectorAll("details") : []) {
    if (branch.dataset.path === focused) branch.firstElementChild.focus({ preventScroll: true });
  }
}

// Branches are made when they are opened: there may be very many.
function branches(node, above, open, depth) {
  const names = [...node.children].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1));
  const made = names.slice(0, MOST_BRANCHES).map(([name, child]) => {
    const people = [...child.who];
    const all = people.slice(0, 20).join(", ");
    const label = [path(name), " ", el("span", { class: "count" }, child.count > 1 ? child.count : ""),
      el("span", { class: "faces", role: "img", "aria-label": all, title: all }, people.slice(0, 4).map(face)),
      people.length === 1 ? el("span", { class: "faint" }, ` ${people[0]}`) : people.length > 4 ? el("span", { class: "faint" }, ` and ${people.length - 4} more`) : null];
    if (!child.children.size) return el("div", { class: "leaf" }, ...label);
    const key = `${above}/${name}`;
    const branch = el("details", { "data-path": key }, el("summary", {}, ...label.filter(Boolean)));
    const grow = () => { if (branch.children.length === 1) branch.append(...branches(child, key, open, depth + 1)); };
    branch.addEventListener("toggle", grow);
    if (open.has(key) || (depth < 2 && !open.size)) {
      grow();
      branch.open = true;
    }
    return branch;
  });
  if (names.length > MOST_BRANCHES) made.push(el("p", { class: "faint" }, `and ${names.length - MOST_BRANCHES} more`));
  return made;
}

const [STEP, BOX, HIGH] = [230, 150, 30];

export function graph(place, queue, requests) {
  const edges = [
    ...queue.map((row) => ({ from: row.requester_engineer, to: row.blocking_engineer, what: row.requester_pattern, kind: "edge" })),
    ...requests.map((row) => ({ from: row.requester_engineer, to: row.holder_engineer, what: row.holder_pattern, kind: "asks" })),
  ];
  const names = [...new Set(edges.flatMap((edge) => [edge.to, edge.from]))].slice(0, MOST_NODES);
  if (!names.length) {
    place.replaceChildren(empty("Nobody waits for anybody."));
    return;
  }
  // Who only holds is on the right; everybody else is one step further left than whom they wait for.
  const level = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < Math.min(names.length, 6); round += 1) {
    for (const edge of edges) {
      if (level.has(edge.from) && level.has(edge.to) && level.get(edge.from) <= level.get(edge.to) && level.get(edge.to) < 5) {
        level.set(edge.from, level.get(edge.to) + 1);
      }
    }
  }
  const deepest = Math.max(...level.values());
  const filled = new Map();
  const at = new Map(names.map((name) => {
    const column = deepest - level.get(name);
    const line = filled.get(column) || 0;
    filled.set(column, line + 1);
    return [name, { x: 4 + column * STEP, y: 4 + line * 44 }];
  }));
  const width = 12 + BOX + STEP * deepest;
  const height = 12 + HIGH + 44 * (Math.max(...filled.values()) - 1);
  const tip = (kind) => svg("marker", { id: `tip-${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    svg("path", { d: "M0 0L8 4L0 8z", class: `tip-${kind}` }));
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": edges.map((edge) => `${edge.from} ${verb(edge)} ${edge.to}`).join(", ") }, svg("defs", {}, tip("edge"), tip("asks")));
  for (const edge of edges) {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    if (!from || !to) continue;
    const [x1, y1, x2, y2] = [from.x + BOX, from.y + HIGH / 2, to.x, to.y + HIGH / 2];
    const line = svg("path", { class: edge.kind, d: `M${x1} ${y1} C${x1 + 45} ${y1} ${x2 - 45} ${y2} ${x2} ${y2}`, "marker-end": `url(#tip-${edge.kind})` });
    line.append(svg("title", {}, `${edge.from} ${verb(edge)} ${edge.to}: ${edge.what}`));
    drawn.append(line);
  }
  for (const [name, { x, y }] of at) {
    const text = svg("text", { x: x + BOX / 2, y: y + 19, "text-anchor": "middle" }, name.length > 20 ? `${name.slice(0, 19)}…` : name);
    text.append(svg("title", {}, name));
    drawn.append(svg("rect", { class: `node ${tone(name)}`, x, y, width: BOX, height: HIGH, rx: 7 }), text);
  }
  const key = el("p", { class: "legend" }, el("span", {}, el("span", { class: "stroke" }), "waits for"), el("span", {}, el("span", { class: "stroke asks" }), "asks to let go"));
  place.replaceChildren(drawn, key);
}

const verb = (edge) => (edge.kind === "asks" ? "asks" : "waits for");

const spans = [[3600000, "min", 60000], [172800000, "h", 3600000], [Infinity, "d", 86400000]];

export function bars(place, claims, length) {
  const shown = claims.slice(0, MOST_BARS);
  if (!shown.length) {
    place.replaceChildren(empty("No claim was held in that time."));
    return;
  }
  const now = Date.now();
  const scale = (at) => Math.max(0, Math.min(100, 100 * (1 - (now - Date.parse(at)) / length)));
  const [, unit, size] = spans.find(([longest]) => length <= longest);
  const ticks = [1, 0.75, 0.5, 0.25].map((part) => el("span", {}, `${+((length * part) / size).toFixed(1)} ${unit} ago`));
  const rows = shown.flatMap((claim) => {
    const [from, until] = [scale(claim.created_at), claim.ended_at ? scale(claim.ended_at) : 100];
    const how = `${claim.engineer}: ${claim.pattern}, ${claim.created_at} to ${claim.ended_at || "now"}${claim.release_kind ? `, ${claim.release_kind}` : ""}`;
    const bar = el("span", { class: claim.ended_at ? "bar" : "bar held", title: how, role: "img", "aria-label": how });
    bar.style.left = `min(${from}%, 100% - 5px)`;
    bar.style.width = `${until - from}%`;
    return [el("div", {}, face(claim.engineer), path(claim.pattern)), el("div", { class: `track ${tone(claim.engineer)}` }, bar)];
  });
  const more = claims.length - shown.length;
  place.replaceChildren(el("div", { class: "bars" }, el("div", { class: "axis" }), el("div", { class: "axis" }, ticks, el("span", {}, "now")), rows),
    ...(more > 0 ? [el("p", { class: "faint" }, `and ${more} more`)] : []));
}

// Rows of counts as cells, the darker the more: `steps` are the counts at which the colour changes.
export function heat(rows, steps, name, column, first, last) {
  const level = (count) => steps.filter((least) => count >= least).length;
  const cells = ([row, counts]) => [path(row), el("div", { class: "cells", role: "img", "aria-label": `${name(row)}: ${counts.join(" ")}` },
    counts.map((count, at) => el("span", { class: `cell l${level(count)}`, title: `${column(at)}: ${count}` })))];
  const scale = [0, ...steps].map((least, at) => el("span", { class: `cell l${at}`, title: `${least} or more` }));
  return [el("div", { class: "heat" }, rows.flatMap(cells)),
    el("p", { class: "legend" }, `${first} to ${last}`, el("span", { class: "push" }), "less", scale, "more")];
}
