// The panels that are drawings: the tree of claimed paths, who waits for whom, and claims over time.

import { el, svg } from "./panels.js";

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
    place.replaceChildren(el("p", { class: "empty" }, "An empty tree: every path is free."));
    return;
  }
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.path));
  place.replaceChildren(...branches(root, "", open, 0));
}

// Branches are made when they are opened: there may be very many.
function branches(node, above, open, depth) {
  const names = [...node.children].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1));
  const made = names.slice(0, MOST_BRANCHES).map(([name, child]) => {
    const who = [...child.who].slice(0, 3).join(", ") + (child.who.size > 3 ? ` and ${child.who.size - 3} more` : "");
    const label = [el("span", { class: "path" }, name), " ", el("span", { class: "faint" }, `${child.count}: ${who}`)];
    if (!child.children.size) return el("div", { class: "leaf" }, ...label);
    const path = `${above}/${name}`;
    const branch = el("details", { "data-path": path }, el("summary", {}, ...label));
    const grow = () => { if (branch.children.length === 1) branch.append(...branches(child, path, open, depth + 1)); };
    branch.addEventListener("toggle", grow);
    if (open.has(path) || (depth === 0 && !open.size)) {
      grow();
      branch.open = true;
    }
    return branch;
  });
  if (names.length > MOST_BRANCHES) made.push(el("p", { class: "faint" }, `and ${names.length - MOST_BRANCHES} more`));
  return made;
}

export function graph(place, queue, requests) {
  const edges = [
    ...queue.map((row) => ({ from: row.requester_engineer, to: row.blocking_engineer, what: row.requester_pattern, kind: "edge" })),
    ...requests.map((row) => ({ from: row.requester_engineer, to: row.holder_engineer, what: row.holder_pattern, kind: "asks" })),
  ];
  const names = [...new Set(edges.flatMap((edge) => [edge.to, edge.from]))].slice(0, MOST_NODES);
  if (!names.length) {
    place.replaceChildren(el("p", { class: "empty" }, "Nobody waits for anybody."));
    return;
  }
  // Who only holds is on the left; everybody else is one step further right than whom they wait for.
  const level = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < Math.min(names.length, 6); round += 1) {
    for (const edge of edges) {
      if (level.has(edge.from) && level.has(edge.to) && level.get(edge.from) <= level.get(edge.to) && level.get(edge.to) < 5) {
        level.set(edge.from, level.get(edge.to) + 1);
      }
    }
  }
  const filled = new Map();
  const at = new Map(names.map((name) => {
    const column = level.get(name);
    const line = filled.get(column) || 0;
    filled.set(column, line + 1);
    return [name, { x: 10 + column * 190, y: 10 + line * 44 }];
  }));
  const width = 170 + 190 * Math.max(...level.values());
  const height = 50 + 44 * (Math.max(...filled.values()) - 1);
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${edges.length} people wait for or ask others` });
  for (const edge of edges) {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    if (!from || !to) continue;
    const line = svg("path", { class: edge.kind, d: `M${from.x} ${from.y + 15} C${from.x - 20} ${from.y + 15} ${to.x + 170} ${to.y + 15} ${to.x + 150} ${to.y + 15}` });
    line.append(svg("title", {}, `${edge.from} ${edge.kind === "asks" ? "asks" : "waits for"} ${edge.to}: ${edge.what}`));
    drawn.append(line);
  }
  for (const [name, { x, y }] of at) {
    const text = svg("text", { x: x + 8, y: y + 19 }, name.length > 20 ? `${name.slice(0, 19)}…` : name);
    text.append(svg("title", {}, name));
    drawn.append(svg("rect", { class: "node", x, y, width: 150, height: 30, rx: 5 }), text);
  }
  place.replaceChildren(drawn);
}

export function bars(place, claims, length) {
  const shown = claims.slice(0, MOST_BARS);
  if (!shown.length) {
    place.replaceChildren(el("p", { class: "empty" }, "No claim was held in that time."));
    return;
  }
  const [now, width, label, line] = [Date.now(), 1000, 260, 20];
  const scale = (at) => label + (Math.max(0, Date.parse(at) - (now - length)) / length) * (width - label);
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${shown.length * line}`, role: "img", "aria-label": `${shown.length} claims as bars from their beginning to their end` });
  shown.forEach((claim, at) => {
    const [from, to] = [scale(claim.created_at), claim.ended_at ? scale(claim.ended_at) : width];
    const name = `${claim.engineer}: ${claim.pattern}`;
    const bar = svg("rect", { class: claim.ended_at ? "bar" : "bar held", x: from, y: at * line + 3, width: Math.max(2, to - from), height: line - 7, rx: 3 });
    bar.append(svg("title", {}, `${name}, ${claim.created_at} to ${claim.ended_at || "now"}${claim.release_kind ? `, ${claim.release_kind}` : ""}`));
    drawn.append(svg("text", { x: 0, y: at * line + 14 }, name.length > 38 ? `${name.slice(0, 37)}…` : name), bar);
  });
  const more = claims.length - shown.length;
  place.replaceChildren(drawn, ...(more > 0 ? [el("p", { class: "faint" }, `and ${more} more`)] : []));
}
