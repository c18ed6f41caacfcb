"use strict";
// Keeps the page live, explains what is pointed at or focused, and draws the chart. Without it the page is whole, only still.

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

/** Where the explanation of an element stands: once in `title` or in the picture, from then on in `data-why`. */
function dress(root) {
  for (const one of root.querySelectorAll("[title]")) {
    one.dataset.why = one.title;
    one.setAttribute("aria-description", one.title);
    one.removeAttribute("title");
  }
}

function explain(event) {
  const one = event.target.closest("[data-why]");
  tip.hidden = !one;
  if (!one) return;
  tip.textContent = one.dataset.why;
  const box = one.getBoundingClientRect();
  const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const above = box.top > tip.offsetHeight + 12;
  tip.style.left = Math.max(8, left) + scrollX + "px";
  tip.style.top = (above ? box.top - tip.offsetHeight - 6 : Math.min(box.bottom, box.top + 90) + 6) + scrollY + "px";
}

for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, explain);
for (const kind of ["focusout", "mouseleave"]) document.addEventListener(kind, () => { tip.hidden = true; });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
dress(document);

/** Puts new HTML in place; what is focused and what is unfolded stays so. */
function show(name, html) {
  const section = document.querySelector(`[data-section="${name}"]`);
  if (!section) return;
  const focused = section.contains(document.activeElement) ? document.activeElement : null;
  const places = [...section.querySelectorAll("a, summary, [tabindex]")];
  const place = places.indexOf(focused);
  const open = [...section.querySelectorAll("details[open]")].map((one) => one.dataset.keep);
  section.innerHTML = html;
  dress(section);
  for (const one of section.querySelectorAll("details")) one.open = open.includes(one.dataset.keep);
  if (focused) [...section.querySelectorAll("a, summary, [tabindex]")][place]?.focus({ preventScroll: true });
}

const chartBox = document.getElementById("chart");
let chart = null;
let latest = null;

function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function clock(time) { return new Date(time * 1000).toISOString().slice(11, 16); }

function drawn(topics) {
  const names = Object.keys(topics);
  const hues = [205, 150, 30, 345, 265, 95, 185, 50, 310];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const lines = names.map((name, at) => ({
    label: name, width: 1.6, stroke: `hsl(${hues[at % hues.length]} ${dark ? "62% 66%" : "66% 38%"})`,
    value: (_, value) => (value == null ? "" : value.toFixed(1)),
  }));
  const axis = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
  return {
    width: chartBox.clientWidth, height: 220, tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
    series: [{ label: "UTC", value: (_, time) => (time == null ? "" : clock(time)) }, ...lines],
    axes: [{ ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 52, values: (_, ticks) => ticks.map((one) => one + "/s") }],
    scales: { y: { range: (_, __, high) => [0, Math.max(1, high * 1.1)] } },
  };
}

function plot(series) {
  latest = series;
  if (!chartBox || typeof uPlot === "undefined") return;
  const data = [series.times, ...Object.values(series.topics)];
  chartBox.hidden = false;
  if (chart) { chart.setData(data); return; }
  chart = new uPlot(drawn(series.topics), data, chartBox);
  chart.root.setAttribute("aria-hidden", "true");
}

function redraw() {
  if (!chart) return;
  chart.destroy();
  chart = null;
  plot(latest);
}

addEventListener("resize", () => { if (chart) chart.setSize({ width: chartBox.clientWidth, height: 220 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

function lost(ended) {
  let note = document.querySelector(".lost");
  if (!note) {
    note = document.createElement("p");
    note.className = "state bad lost";
    note.setAttribute("role", "alert");
    document.querySelector("main").prepend(note);
    note.textContent = `This page is not live since ${new Date().toLocaleTimeString()}; its numbers are of then. `;
  }
  if (ended && !note.querySelector("a")) {
    const again = document.createElement("a");
    again.href = "/ops";
    again.textContent = "Open it again";
    note.append(again);
  }
}

if (document.querySelector("[data-section]")) {
  const stream = new EventSource("/ops/stream");
  stream.addEventListener("open", () => document.querySelector(".lost")?.remove());
  stream.addEventListener("error", () => lost(stream.readyState === EventSource.CLOSED));
  stream.addEventListener("sections", (event) => {
    for (const [name, html] of Object.entries(JSON.parse(event.data))) show(name, html);
  });
  stream.addEventListener("series", (event) => plot(JSON.parse(event.data)));
}
