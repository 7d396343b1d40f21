// What is listed: a search and three fields, kept in the address so that it can be passed on.

const has = (texts, part) => texts.some((text) => (text || "").toLowerCase().includes(part));

export class Filter {
  constructor(form, clear, changed) {
    Object.assign(this, { form, clear });
    const address = new URLSearchParams(location.search);
    for (const input of this.inputs()) input.value = address.get(input.name) || "";
    form.addEventListener("input", () => { this.keep(); changed(); });
    form.addEventListener("submit", (submitted) => submitted.preventDefault());
    form.addEventListener("reset", (reset) => {
      reset.preventDefault();
      for (const input of this.inputs()) input.value = "";
      this.keep();
      changed();
      form.elements.q.focus();
    });
    this.keep();
  }

  inputs() {
    return [...this.form.elements].filter((input) => input.name);
  }

  keep() {
    const address = new URL(location.href);
    for (const { name, value } of this.inputs()) {
      if (value.trim()) address.searchParams.set(name, value); else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.replaceState(null, "", address);
    this.wanted = Object.fromEntries(this.inputs().map(({ name, value }) => [name, value.trim().toLowerCase()]));
    this.isOn = Object.values(this.wanted).some(Boolean);
    this.clear.hidden = !this.isOn;
  }

  // Whether something is to be listed, of which `repo` is where, `people` are who, `paths` are what, and `more` is all else.
  fits(repo, people, paths, more = []) {
    if (!this.isOn) return true;
    const { q, repo: inRepo, engineer, path } = this.wanted;
    return (!inRepo || has([repo], inRepo)) && (!engineer || has(people, engineer)) && (!path || has(paths, path))
      && (!q || has([repo, ...people, ...paths, ...more], q));
  }

  // What there is to choose from.
  offer(name, values) {
    const list = this.form.elements[name].list;
    const sorted = [...new Set(values)].filter(Boolean).sort().slice(0, 200);
    if (list.dataset.offered === sorted.join("\n")) return;
    list.dataset.offered = sorted.join("\n");
    list.replaceChildren(...sorted.map((value) => new Option(value, value)));
  }
}
