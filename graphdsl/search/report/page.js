// Sorting, finding and copying. The page says all of it without this, too.
"use strict";
(() => {
  const table = document.querySelector("table.trials");
  const body = table && table.tBodies[0];

  // ---- charts: what is pointed at

  for (const figure of document.querySelectorAll("figure.chart")) {
    const tip = figure.querySelector(".tip");
    if (!tip) continue;
    const resting = tip.textContent;
    figure.querySelector("svg").addEventListener("mouseover", (event) => {
      const mark = event.target.closest("[data-n]");
      tip.textContent = mark ? said(mark) : resting;
    });
    figure.addEventListener("mouseleave", () => { tip.textContent = resting; });
    figure.addEventListener("click", (event) => {
      const mark = event.target.closest("[data-n]");
      if (mark) show(mark.dataset.n);
    });
  }

  function said(mark) {
    const title = mark.querySelector("title");
    if (title) return title.textContent;
    const row = document.getElementById(`t${mark.dataset.n}`);
    if (!row) return `trial ${mark.dataset.n}`;
    const [name, standing, , mean, , items] = row.cells;
    return `${name.textContent} · ${standing.textContent} · in the search ${mean.textContent} on ${items.textContent} items, biased`;
  }

  function show(number) {
    const row = document.getElementById(`t${number}`);
    if (!row) return;
    for (const other of body.querySelectorAll(".shown")) other.classList.remove("shown");
    row.hidden = false;
    row.classList.add("shown");
    row.scrollIntoView({ block: "center" });
  }

  // ---- copying pins

  const copied = async (place, button) => {
    try {
      await navigator.clipboard.writeText(place.dataset.pins || place.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(place);
      button.textContent = "selected";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };
  const offer = (place, before) => {
    if (!place.textContent.startsWith("{")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy";
    button.title = "copy these pins";
    place.dataset.pins = place.textContent;
    button.addEventListener("click", () => copied(place, button));
    if (before) before.append(" ", button); else place.prepend(button, " ");
  };
  for (const pre of document.querySelectorAll("pre.pins")) offer(pre, pre.parentElement.querySelector("h3"));

  if (!table) return;
  document.body.classList.add("scripted");
  for (const cell of body.querySelectorAll("td.pins")) offer(cell);
  body.addEventListener("click", (event) => {
    const cell = event.target.closest("td.pins");
    if (cell && event.target === cell) cell.parentElement.classList.toggle("shown");
  });

  // ---- sorting

  const value = (row, column, numeric) => {
    const cell = row.cells[column];
    if (!numeric) return cell.textContent;
    const found = parseFloat(cell.dataset.v ?? cell.textContent);
    return Number.isNaN(found) ? null : found;
  };
  const sort = (head) => {
    const up = head.getAttribute("aria-sort") === "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const column = head.cellIndex, numeric = head.dataset.sort === "number";
    const rows = [...body.rows].map((row) => [value(row, column, numeric), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null); // unknown ones come last
      const order = numeric ? a - b : a.localeCompare(b);
      return up ? order : -order;
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains("words")) continue;
    head.setAttribute("role", "button");
    head.tabIndex = 0;
    head.addEventListener("click", () => sort(head));
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort(head);
    });
  }

  // ---- finding

  const tools = document.createElement("div");
  tools.className = "tools";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "find, such as big or finalist";
  input.setAttribute("aria-label", "show only trials that have these words");
  const count = document.createElement("span");
  count.className = "soft";
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = words.length ? `${shown} of ${body.rows.length}` : "";
  });
  tools.append(input, count);
  table.parentElement.before(tools);
})();
