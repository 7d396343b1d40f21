// The list of active claims: filtered, sorted by their end, and only as much of it in the page as can be seen.

import { button, el, left } from "./panels.js";

const HEIGHT = 52;
const SPARE = 8;

export class Claims {
  constructor(list, count, form, act) {
    Object.assign(this, { list, count, form, act, all: new Map(), isWhole: true, shown: [] });
    this.filters = new URLSearchParams(location.search);
    for (const input of form.elements) if (input.name) input.value = this.filters.get(input.name) || "";
    form.addEventListener("input", () => this.filter());
    form.addEventListener("submit", (submitted) => submitted.preventDefault());
    list.addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.draw());
  }

  set(rows) {
    this.all = new Map(rows.map((row) => [row.id, row]));
  }

  put(row) {
    this.all.set(row.id, row);
  }

  // Filters are in the address, so that it can be kept and passed on.
  filter() {
    const data = new FormData(this.form);
    const address = new URL(location.href);
    for (const [name, value] of data) {
      if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    }
    history.replaceState(null, "", address);
    this.list.scrollTop = 0;
    this.show();
  }

  show() {
    const wanted = Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value.trim().toLowerCase()]));
    const has = (text, part) => !part || (text || "").toLowerCase().includes(part);
    const now = Date.now();
    this.shown = [...this.all.values()].filter((row) => Date.parse(row.expires_at) > now - 5000
      && has(row.repo, wanted.repo) && has(row.engineer, wanted.engineer) && has(row.pattern, wanted.path)
      && (!wanted.q || [row.engineer, row.pattern, row.repo, row.branch, row.description, row.id, (row.symbols || []).join(" ")]
        .some((text) => has(text, wanted.q))));
    this.shown.sort((a, b) => (a.expires_at < b.expires_at ? -1 : a.expires_at > b.expires_at ? 1 : 0));
    this.count.textContent = this.all.size ? `${this.shown.length} of ${this.all.size}${this.isWhole ? "" : ", more are coming"}` : "";
    if (!this.shown.length) {
      const what = this.all.size ? "No claim fits these filters. Clear one of them to see more."
        : "Nobody has claimed anything. In a clone, run: coord claim 'src/auth/**'";
      this.list.replaceChildren(el("p", { class: "empty" }, what));
      this.rows = null;
      return;
    }
    if (!this.rows) {
      this.rows = el("div", { class: "rows", role: "table", "aria-label": "Active claims" });
      this.list.replaceChildren(this.rows);
    }
    this.rows.style.height = `${this.shown.length * HEIGHT}px`;
    this.rows.setAttribute("aria-rowcount", this.shown.length);
    this.draw();
  }

  draw() {
    if (!this.rows) return;
    const first = Math.max(0, Math.floor(this.list.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(this.shown.length, first + Math.ceil(this.list.clientHeight / HEIGHT) + 2 * SPARE);
    const focused = document.activeElement && document.activeElement.dataset.key;
    this.rows.replaceChildren(...this.shown.slice(first, last).map((row, at) => this.row(row, first + at)));
    if (focused) {
      for (const again of this.rows.querySelectorAll("button")) if (again.dataset.key === focused) again.focus({ preventScroll: true });
    }
  }

  row(row, at) {
    const scope = row.symbols ? `${row.pattern} ${row.symbols.join(", ")}` : row.pattern;
    const about = [row.repo, row.branch, row.description].filter(Boolean).join(" · ");
    const key = (name) => ({ "data-key": `${name} ${row.id}`, "aria-label": `${name} ${row.pattern} of ${row.engineer}` });
    const cell = (text, kind, title) => el("span", { class: kind, role: "cell", title: title || text }, text);
    const made = el("div", { class: "row", role: "row", "aria-rowindex": at + 1 },
      cell(row.engineer, ""),
      cell(scope, row.severity === "hard" ? "path hard" : "path"),
      cell(about, "faint extra"),
      cell(left(row.expires_at), "faint extra", row.expires_at),
      el("span", { role: "cell" },
        button("Extend", () => this.act("extend", row), key("extend")), " ",
        button("Release", () => this.act("release", row), key("release"))));
    made.style.top = `${at * HEIGHT}px`;
    return made;
  }
}
