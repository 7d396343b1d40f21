// The list of active claims, sorted by their end, and only as much of it in the page as can be seen.

import { button, chip, el, empty, keep, left, path, who } from "./dom.js";

const SPARE = 8;

export class Claims {
  constructor(list, count, filter, act) {
    // What is drawn of which row: one that changes is another object.
    Object.assign(this, { list, count, filter, act, all: new Map(), isWhole: true, shown: [], fresh: new Set(), drawn: new Map() });
    list.addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.show());
  }

  set(rows) {
    this.all = new Map(rows.map((row) => [row.id, row]));
  }

  put(row) {
    if (!this.all.has(row.id)) {
      this.fresh.add(row.id);
      setTimeout(() => this.fresh.delete(row.id), 1600);
    }
    this.all.set(row.id, row);
  }

  // Those that fit the filter and are not over, by their end.
  fitting() {
    const now = Date.now() - 5000;
    const fits = ({ repo, engineer, pattern, symbols, branch, description, id }) =>
      this.filter.fits(repo, [engineer], [pattern], [branch, description, id, ...(symbols || [])]);
    const fitting = [...this.all.values()].filter((row) => Date.parse(row.expires_at) > now && fits(row));
    return fitting.sort((a, b) => (a.expires_at < b.expires_at ? -1 : a.expires_at > b.expires_at ? 1 : 0));
  }

  show() {
    this.shown = this.fitting();
    const count = this.filter.isOn ? `${this.shown.length} of ${this.all.size}` : this.all.size ? String(this.all.size) : "";
    const text = this.isWhole ? count : `${count}, more are coming`;
    if (this.count.textContent !== text) this.count.textContent = text;
    if (!this.shown.length) {
      this.rows = null;
      this.list.replaceChildren(this.all.size ? empty("No claim fits these filters. Clear one of them to see more.")
        : empty("Nobody has claimed anything. In a clone, run", "coord claim 'src/auth/**'"));
      return;
    }
    if (!this.rows) {
      this.rows = el("div", { class: "rows", role: "table", "aria-label": "Active claims" });
      this.list.replaceChildren(this.rows);
    }
    this.height = parseFloat(getComputedStyle(this.list).getPropertyValue("--row"));
    this.rows.style.height = `${this.shown.length * this.height}px`;
    this.rows.setAttribute("aria-rowcount", this.shown.length);
    this.draw();
  }

  // Draws all of them again, as time has passed.
  again() {
    this.drawn.clear();
    this.show();
  }

  draw() {
    if (!this.rows) return;
    const first = Math.max(0, Math.floor(this.list.scrollTop / this.height) - SPARE);
    const last = first + Math.ceil(this.list.clientHeight / this.height) + 2 * SPARE;
    const drawn = new Map();
    keep(this.rows, this.shown.slice(first, last).map((row, at) => {
      const made = this.drawn.get(row) || this.row(row);
      drawn.set(row, made);
      made.style.top = `${(first + at) * this.height}px`;
      made.setAttribute("aria-rowindex", first + at + 1);
      return made;
    }));
    this.drawn = drawn;
  }

  row(row) {
    const about = [row.repo, row.branch, row.description].filter(Boolean).join(" · ");
    const cell = (kind, title, ...children) => el("span", { class: kind, role: "cell", title }, ...children);
    const scope = [path(row.pattern), ...(row.symbols || []).map((symbol) => chip(symbol, "mark")), ...(row.severity === "hard" ? [chip("hard", "warm")] : [])];
    const act = (text, kind) => button(text, () => this.act(text.toLowerCase(), row), `${text.toLowerCase()} ${row.pattern} of ${row.engineer}`, kind);
    return el("div", { class: this.fresh.has(row.id) ? "row new" : "row", role: "row" },
      cell("holder", row.engineer, who(row.engineer)),
      cell("scope", [row.pattern, ...(row.symbols || [])].join(" "), ...scope),
      cell("about faint", about, about),
      cell("ends", row.expires_at, left(row.expires_at), meter(row)),
      cell("actions", "", act("Extend", "small"), " ", act("Release", "small grave")));
  }
}

// How much of its time is left.
function meter(row) {
  const [from, until] = [Date.parse(row.created_at), Date.parse(row.expires_at)];
  const rest = Math.max(0, Math.min(1, (until - Date.now()) / Math.max(1, until - from)));
  const bar = el("span");
  bar.style.width = `${rest * 100}%`;
  return el("span", { class: until - Date.now() < 600000 ? "meter soon" : "meter", "aria-hidden": "true" }, bar);
}
