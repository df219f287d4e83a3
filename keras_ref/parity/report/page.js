"use strict";

const part = (row, name) => row.querySelector("." + name);
const value = cell => Number(cell.dataset.value);
const words = row => [...row.cells].map(cell => cell.textContent).join(" ").toLowerCase();

/* The style sheet lays tables out as blocks, where some browsers forget that they are tables. */

const roles = {
  table: "table", "thead, tbody": "rowgroup", tr: "row", td: "cell",
  "thead th": "columnheader", "tbody th": "rowheader",
};
for (const [selector, role] of Object.entries(roles)) {
  for (const element of document.querySelectorAll(selector)) element.setAttribute("role", role);
}

/* Sorting: numbers begin with the largest. */

function sort(table, head) {
  const body = table.tBodies[0], column = head.cellIndex;
  const numeric = body.rows.length > 0 && "value" in body.rows[0].cells[column].dataset;
  const before = head.getAttribute("aria-sort");
  const up = before ? before === "descending" : !numeric;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = row => numeric ? value(row.cells[column]) : row.cells[column].textContent;
  const keyed = [...body.rows].map(row => [key(row), row]);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
  body.append(...keyed.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table")) {
  for (const head of table.tHead.rows[0].cells) {
    head.querySelector("button").addEventListener("click", () => sort(table, head));
  }
}

/* The filter: a line stays if it has all words, or phrases in quotation marks, in any order. Its kind
   and its plot follow it. */

const sections = ["accuracy", "agreement"].map(name => {
  const section = document.getElementById(name);
  const lines = [...section.querySelectorAll("tbody tr")].map(row => ({
    row, text: words(row), error: value(part(row, "error")), rows: value(part(row, "rows")),
  }));
  return {section, lines};
});
const kinds = [...document.querySelectorAll("#worst tbody tr")].map(row => ({row, lines: []}));
const plots = [...document.querySelectorAll("figure")].map(figure => ({figure, lines: []}));
const lines = sections.flatMap(section => section.lines);
for (const line of lines) {
  kinds[line.row.dataset.kind].lines.push(line);
  if ("plot" in line.row.dataset) plots[line.row.dataset.plot].lines.push(line);
}

const filter = document.getElementById("filter");
const shown = line => !line.row.hidden;
const of = (some, all) => `${some.toLocaleString("en")} of ${all.toLocaleString("en")}`;

function apply() {
  const wanted = (filter.value.toLowerCase().match(/"[^"]*"?|[^\s"]+/g) ?? [])
    .map(word => word.replaceAll('"', ""));
  for (const {row, text} of lines) row.hidden = !wanted.every(word => text.includes(word));
  for (const {section, lines} of sections) section.hidden = !lines.some(shown);
  for (const kind of kinds) summarize(kind.row, kind.lines.filter(shown));
  for (const plot of plots) plot.figure.hidden = !plot.lines.some(shown);

  const count = lines.filter(shown).length;
  document.getElementById("worst").hidden = count === 0;
  document.getElementById("count").textContent = of(count, lines.length) + " lines";
  const drawn = plots.filter(plot => !plot.figure.hidden).length;
  document.getElementById("plots").hidden = drawn === 0;
  document.getElementById("plot-count").textContent = of(drawn, plots.length) + " plots";
}

/* The worst of the lines of a kind, which have one bound. */
function summarize(row, lines) {
  row.hidden = lines.length === 0;
  if (row.hidden) return;
  const worst = lines.reduce((a, b) => b.error > a.error ? b : a).row;
  for (const name of ["error", "share", "verdict"]) {
    part(row, name).replaceWith(part(worst, name).cloneNode(true));
  }
  const rows = lines.reduce((sum, line) => sum + line.rows, 0);
  part(row, "rows").dataset.value = part(row, "rows").textContent = rows;
  part(row, "which").textContent =
    `${part(worst, "subject").textContent}: ${part(worst, "quantity").textContent}`;
}

filter.addEventListener("input", apply);
document.getElementById("bar").addEventListener("submit", event => event.preventDefault());
apply();  // a browser may have kept the words of an earlier visit
