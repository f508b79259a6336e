"use strict";
// A row without a value in the column stays below the others, whichever way they are sorted.
function sort(heading) {
  const table = heading.closest("table"), body = table.tBodies[0], column = heading.cellIndex;
  const numeric = [...body.rows].some(row => row.cells[column].dataset.key !== undefined);
  const up = heading.getAttribute("aria-sort") !== "ascending";
  const key = row => {
    const cell = row.cells[column];
    if (numeric) return cell.dataset.key === undefined ? null : Number(cell.dataset.key);
    return cell.textContent || null;
  };
  const compare = (a, b) => numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
  const rows = [...body.rows].map(row => [key(row), row]);
  rows.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : up ? compare(a, b) : compare(b, a));
  body.append(...rows.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
}
for (const button of document.querySelectorAll("th button"))
  button.addEventListener("click", () => sort(button.parentElement));
// Rows and experiments that lack a key are not filtered by it.
const filters = document.querySelector(".filters");
function filter() {
  const chosen = new Map();
  for (const box of filters.querySelectorAll("input")) {
    if (!chosen.has(box.name)) chosen.set(box.name, new Set());
    if (box.checked) chosen.get(box.name).add(box.value);
  }
  for (const element of document.querySelectorAll("[data-facts]"))
    element.hidden = Object.entries(JSON.parse(element.dataset.facts))
      .some(([key, values]) => chosen.has(key) && !values.some(value => chosen.get(key).has(value)));
  const all = document.querySelectorAll("article").length, hidden = document.querySelectorAll("article[hidden]").length;
  filters.querySelector("output").value = `${all - hidden} of ${all} experiments`;
}
if (filters) {
  filters.hidden = false;
  filters.addEventListener("change", filter);
  filter();
}
// A modal dialog takes the keyboard, closes by Escape, and gives the focus back to the picture's button.
const dialog = document.querySelector("dialog");
for (const button of document.querySelectorAll(".picture"))
  button.addEventListener("click", () => {
    dialog.lastElementChild.replaceChildren(button.firstElementChild.cloneNode());
    dialog.showModal();
  });
dialog.lastElementChild.addEventListener("click", () => dialog.close());
// report.html#t1-2-3 is a link to a table sorted by a column, report.html#mnist/exp01-seed0-90354a12 to an experiment.
function follow() {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked && linked.tagName === "TH") linked.firstElementChild.click();
  if (linked && linked.tagName === "ARTICLE") linked.querySelector("details").open = true;
}
addEventListener("hashchange", follow);
follow();
// Two trainings at one step: of each run its newest grid up to this step.
for (const block of document.querySelectorAll(".compare")) {
  const selects = [...block.querySelectorAll("select")], slider = block.querySelector("input");
  const templates = block.querySelectorAll("template"), figures = block.querySelectorAll("figure");
  const grids = select => [...templates[select.selectedIndex].content.children];
  let steps = [];
  function show() {
    const now = steps[slider.value];
    selects.forEach((select, side) => {
      const grid = grids(select).findLast(image => Number(image.dataset.step) <= now);
      const [button, caption] = figures[side].children, name = select.selectedOptions[0].textContent;
      button.hidden = !grid;
      if (grid) button.replaceChildren(grid.cloneNode());
      caption.textContent = grid ? `${name}: step ${grid.dataset.step}` : `${name}: no samples before its first grid`;
    });
    block.querySelector("output").value = `step ${now}`;
    slider.setAttribute("aria-valuetext", `step ${now}`);
  }
  function choose() {
    const before = steps[slider.value] ?? Infinity;
    steps = [...new Set(selects.flatMap(grids).map(image => Number(image.dataset.step)))].sort((a, b) => a - b);
    slider.max = steps.length - 1;
    slider.value = Math.max(0, steps.findLastIndex(step => step <= before));
    show();
  }
  selects[1].selectedIndex = 1;
  selects.forEach(select => select.addEventListener("change", choose));
  slider.addEventListener("input", show);
  block.hidden = false;
  choose();
}
