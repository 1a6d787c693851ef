"use strict";
(() => {
  // Resources, and outputs, which have nothing to open.
  const items = [...document.querySelectorAll("main [data-s]")];
  const openable = items.filter((item) => item.tagName === "DETAILS");
  // Of no use until someone searches, and the most work of all.
  let texts = null;
  const filters = [...document.querySelectorAll("button[data-f]")];
  const search = document.getElementById("q");
  const count = document.getElementById("count");
  const sections = [...document.querySelectorAll("main section.g")];
  const modules = [...document.querySelectorAll("details.m")];

  const apply = () => {
    const wanted = filters.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.dataset.f);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length > 0) texts ??= items.map((item) => item.textContent.toLowerCase());
    let shown = 0;
    items.forEach((item, index) => {
      const risky = wanted.includes("risk");
      const sorts = wanted.filter((one) => one !== "risk");
      const fits = (!risky || item.dataset.k === "1")
        && (sorts.length === 0 || sorts.includes(item.dataset.s))
        && words.every((word) => texts[index].includes(word));
      item.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    // Whoever searches wants to see what is found.
    if (wanted.length > 0 || words.length > 0) modules.forEach((module) => { module.open = true; });
    sections.forEach((section) => {
      section.hidden = !section.querySelector("[data-s]:not([hidden])");
    });
    count.textContent = shown === items.length ? "" : shown + " of " + items.length + " shown";
  };
  const folded = (item) => { const module = item.closest("details.m"); return module !== null && !module.open; };
  const open = (state) => {
    if (state) modules.forEach((module) => { module.open = true; });
    openable.forEach((item) => { if (!item.hidden) item.open = state; });
  };
  const step = (by) => {
    const visible = openable.filter((item) => !item.hidden && !folded(item));
    if (visible.length === 0) return;
    const at = visible.findIndex((item) => item.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : visible.length - 1) : Math.min(Math.max(at + by, 0), visible.length - 1);
    const summary = visible[next].querySelector("summary");
    summary.focus();
    summary.scrollIntoView({ block: "nearest" });
  };
  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    if (target.hidden) {
      filters.forEach((one) => one.setAttribute("aria-pressed", "false"));
      search.value = "";
      apply();
    }
    const module = target.closest("details.m");
    if (module) module.open = true;
    target.open = true;
    target.scrollIntoView();
  };

  filters.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "true" ? "false" : "true");
    apply();
  }));
  search.addEventListener("input", apply);
  document.getElementById("open").addEventListener("click", () => open(true));
  document.getElementById("close").addEventListener("click", () => open(false));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === "Escape") {
        search.value = "";
        search.blur();
        apply();
      }
      return;
    }
    const does = { "/": () => search.focus(), j: () => step(1), k: () => step(-1), e: () => open(true), c: () => open(false) };
    if (does[event.key]) {
      event.preventDefault();
      does[event.key]();
    }
  });
  addEventListener("hashchange", reveal);
  let before = [];
  addEventListener("beforeprint", () => {
    before = [...document.querySelectorAll("details")].filter((one) => !one.open);
    before.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => before.forEach((one) => { one.open = false; }));
  reveal();
})();
