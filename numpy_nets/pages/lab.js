"use strict";

const {runs} = JSON.parse(document.getElementById("data").textContent);
const element = id => document.getElementById(id);
const last = list => list[list.length - 1];

/* What the table and the curves show of a frame. */
const VALUES = [
  ["step", "step of G"],
  ["noise", "noise that D sees, s"],
  ["jsd", "Jensen–Shannon divergence, JSD(p ‖ g)"],
  ["seen", "the part of it that D sees"],
  ["d_loss", "D's loss"],
  ["least", "the least loss of any D"],
  ["distance", "|D − D*| on average"],
  ["d_trained", "D's loss in training, mean of an epoch"],
  ["g_trained", "G's loss in training, mean of an epoch"],
];
const TRUTH = ["jsd", "least"];
const number = value => value === null ? "–" : value.toFixed(4).replace("-", "−");
const textOf = (frame, name) => name === "step" ? frame.step.toLocaleString("en")
  : number(name in frame.values ? frame.values[name] : frame[name]);

/* Maps: a byte for each cell, the lowest row first; 255 where there is nothing. */
const decode = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
for (const frame of runs.flatMap(run => run.frames)) {
  frame.d = decode(frame.d);
  frame.best = decode(frame.best);
}

/* One scale of the lines for all runs: one in twenty is longer than 0.4 in the plane. */
const lengths = runs.flatMap(run => run.frames).flatMap(frame =>
  frame.ways.filter((_, i) => i % 2 === 0).map((x, i) => Math.hypot(x, frame.ways[2 * i + 1])));
lengths.sort((a, b) => a - b);
const scale = 400 / Math.max(1, lengths[Math.floor(0.95 * (lengths.length - 1))]);
const LONGEST = 800;  // thousandths

let colours;
function readColours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  colours = {};
  for (const name of ["data", "samples", "ground", "raised", "text"]) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}
const rgb = colour => colour.match(/[\d.]+/g).slice(0, 3).map(Number);

/* Blue for 1, orange for 0, the ground for ½. */
function paint(context, run, map, size) {
  const n = run.cells, image = new ImageData(n, n);
  const [ground, data, samples, raised] =
    ["ground", "data", "samples", "raised"].map(name => rgb(colours[name]));
  for (let i = 0; i < n * n; i++) {
    const d = map[i], sure = d === 255 ? 0 : 2 * d / 254 - 1;
    const full = sure > 0 ? data : samples, plain = d === 255 ? raised : ground;
    const at = 4 * ((n - 1 - Math.floor(i / n)) * n + i % n);
    for (let c = 0; c < 3; c++) {
      image.data[at + c] = plain[c] + (full[c] - plain[c]) * 0.55 * Math.abs(sure);
    }
    image.data[at + 3] = 255;
  }
  const small = document.createElement("canvas");
  small.width = small.height = n;
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, size, size);
}

function draw(canvas, run, frame, map, ways) {
  const wide = canvas.clientWidth, size = Math.round(wide * (window.devicePixelRatio || 1));
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext("2d"), unit = size / (2000 * run.half), dot = size / 260;
  const place = (x, y) => [size / 2 + x * unit, size / 2 - y * unit];
  paint(context, run, map, size);

  context.fillStyle = colours.data;
  context.globalAlpha = 0.45;
  for (let i = 0; i < run.points.length; i += 2) {
    context.beginPath();
    context.arc(...place(run.points[i], run.points[i + 1]), dot, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
  context.strokeStyle = colours.text;
  context.lineWidth = Math.max(1, size / 400);
  if (ways) {
    context.beginPath();
    for (let i = 0; i < frame.samples.length; i += 2) {
      const [x, y] = [frame.samples[i], frame.samples[i + 1]];
      let [u, v] = [frame.ways[i] * scale, frame.ways[i + 1] * scale];
      const shrink = Math.min(1, LONGEST / Math.hypot(u, v));
      context.moveTo(...place(x, y));
      context.lineTo(...place(x + u * shrink, y + v * shrink));
    }
    context.stroke();
  }
  context.fillStyle = colours.samples;
  context.strokeStyle = colours.ground;
  context.lineWidth = size / 600;
  for (let i = 0; i < frame.samples.length; i += 2) {
    const [x, y] = place(frame.samples[i], frame.samples[i + 1]);
    context.beginPath();
    context.moveTo(x, y - 1.9 * dot);
    context.lineTo(x + 1.7 * dot, y + 1.2 * dot);
    context.lineTo(x - 1.7 * dot, y + 1.2 * dot);
    context.closePath();
    context.fill();
    context.stroke();
  }
}

/* Curves: [name of the value, text, colour, dashes], with the truth solid. */
const CURVES = [
  [["jsd", "JSD", "var(--text)", ""], ["seen", "what D sees of it", "var(--data)", "5 3"]],
  [["least", "least of any D", "var(--text)", ""], ["d_loss", "D's loss", "var(--data)", "5 3"],
   ["g_trained", "G's loss in training", "var(--samples)", "2 2"]],
];
const W = 280, H = 150, LEFT = 34, RIGHT = 6, TOP = 8, BOTTOM = 20;
const end = Math.max(...runs.map(run => last(run.frames).step), 1);
const across = step => LEFT + (W - LEFT - RIGHT) * step / end;
const svg = (name, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
/* One scale for all runs, from 0, or from the least value of G's loss, which may be negative, to the
   largest, but not beyond 3 nats, where lines are cut. What D sees is cut at 0. */
const ranges = CURVES.map(lines => {
  const all = name => runs.flatMap(run => run.frames.map(frame => frame.values[name] ?? 0));
  const low = lines.some(([name]) => name === "g_trained") ? Math.min(...all("g_trained")) : 0;
  const high = Math.max(0.1, ...lines.flatMap(([name]) => all(name)));
  return [Math.max(-3, 1.05 * Math.min(0, low)), Math.min(3, 1.05 * high)];
});

function plot(run, lines, [low, top]) {
  const figure = document.createElement("figure"), caption = document.createElement("figcaption");
  const drawing = svg("svg", {viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": lines.map(([, text]) => text).join(", ") + " over the steps of training"});
  const up = value =>
    H - BOTTOM - (H - TOP - BOTTOM) * Math.min(1, Math.max(0, (value - low) / (top - low)));
  const tick = top - low > 3 ? 1 : top - low > 1 ? 0.5 : top - low > 0.5 ? 0.2 : 0.05;
  for (let count = Math.ceil(low / tick); count * tick <= top; count++) {
    const value = count * tick;
    drawing.append(svg("path", {class: "grid", d: `M${LEFT} ${up(value)}H${W - RIGHT}`}),
      svg("text", {x: LEFT - 4, y: up(value) + 4, "text-anchor": "end"},
        value.toFixed(tick < 0.1 ? 2 : 1).replace("-", "−")));
  }
  drawing.append(svg("text", {x: LEFT, y: H - 5}, "0"),
    svg("text", {x: W - RIGHT, y: H - 5, "text-anchor": "end"}, `step ${end.toLocaleString("en")}`));
  for (const [name, text, colour, dashes] of lines) {
    const points = run.frames.filter(frame => frame.values[name] !== null)
      .map(frame => `${across(frame.step).toFixed(1)} ${up(frame.values[name]).toFixed(1)}`);
    if (points.length === 0) continue;
    drawing.append(svg("path", {
      d: "M" + points.join("L"), style: `stroke: ${colour}`, "stroke-dasharray": dashes,
    }));
    const entry = document.createElement("span"), mark = document.createElement("i");
    mark.style.borderTop = `2px ${{"": "solid", "5 3": "dashed"}[dashes] ?? "dotted"} ${colour}`;
    entry.append(mark, " " + text);
    caption.append(entry);
  }
  const cursor = svg("path", {class: "cursor"});
  drawing.append(cursor);
  figure.append(drawing, caption);
  return {figure, move: step => cursor.setAttribute("d", `M${across(step)} ${TOP}V${H - BOTTOM}`)};
}

/* The settings in which the runs differ stand above each; the others once, above all. */
const alone = runs.length === 1;
const same = name => runs.every(run => run.settings[name] === runs[0].settings[name]);
const listed = (run, chosen) => Object.entries(run.settings).filter(([name]) => chosen(name))
  .map(([name, value]) => `${name} ${value}`).join(", ");
if (!alone) element("same").textContent = "All runs: " + listed(runs[0], same);

/* A column for each run. */
const columns = runs.map(run => {
  const section = element("run").content.cloneNode(true).firstElementChild;
  section.querySelector("h2").textContent = run.name;
  section.querySelector(".settings").textContent = listed(run, name => alone || !same(name));
  const cells = VALUES.map(([name, text]) => {
    const row = section.querySelector("tbody").insertRow(), head = document.createElement("th");
    if (TRUTH.includes(name)) row.className = "truth";
    head.scope = "row";
    head.textContent = text;
    row.append(head);
    const cell = row.insertCell();
    cell.dataset.name = name;
    return [name, cell];
  });
  const plots = CURVES.map((lines, i) => plot(run, lines, ranges[i]));
  section.querySelector(".curves").append(...plots.map(({figure}) => figure));
  element("runs").append(section);
  const [d, best] = section.querySelectorAll("canvas");

  return step => {
    const frame = last(run.frames.filter(frame => frame.step <= step)) ?? run.frames[0];
    draw(d, run, frame, frame.d, true);
    draw(best, run, frame, frame.best, false);
    for (const [name, cell] of cells) cell.textContent = textOf(frame, name);
    for (const {move} of plots) move(frame.step);
    const {jsd, seen} = frame.values;
    const what = `${run.name}: divergence ${number(jsd)}` +
      (seen === null ? "" : `, of which D sees ${number(seen)}`);
    d.setAttribute("aria-label", `Map of D with data and samples at step ${frame.step}. ${what}`);
    best.setAttribute("aria-label", `Map of the best D at step ${frame.step}`);
    return what;
  };
});
element("runs").classList.toggle("one", alone);
for (const text of document.querySelectorAll(".unknown")) text.hidden = runs.every(run => run.known);

/* Time: the steps at which any run has a frame. */
const steps = [...new Set(runs.flatMap(run => run.frames.map(frame => frame.step)))]
  .sort((a, b) => a - b);
const time = element("time");
time.max = steps.length - 1;
let timer = null;

function show() {
  const step = steps[time.valueAsNumber];
  const said = columns.map(column => column(step)).join("; ");
  element("step").textContent = `step ${step.toLocaleString("en")}`;
  time.setAttribute("aria-valuetext", `step ${step}`);
  if (timer === null) element("said").textContent = `Step ${step}. ${said}`;
}

function go(frame) {
  time.valueAsNumber = Math.max(0, Math.min(steps.length - 1, frame));
  show();
}

function pause() {
  clearInterval(timer);
  timer = null;
  element("play").textContent = "▶ Play";
  show();
}

function play() {
  if (timer !== null) return pause();
  element("play").textContent = "❚❚ Pause";
  timer = setInterval(() => {
    go(time.valueAsNumber + 1);
    if (time.valueAsNumber === steps.length - 1) pause();
  }, 160);
  if (time.valueAsNumber === steps.length - 1) go(0);
}

const step = by => { if (timer !== null) pause(); go(time.valueAsNumber + by); };
element("play").addEventListener("click", play);
element("back").addEventListener("click", () => step(-1));
element("next").addEventListener("click", () => step(1));
time.addEventListener("input", () => step(0));
element("bar").addEventListener("submit", event => event.preventDefault());
document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const act = {
    " ": play, ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    Home: () => step(-steps.length), End: () => step(steps.length),
  }[event.key];
  const own = event.key === " " && event.target.closest("summary, button:not(#play)");
  if (!act || own) return;
  event.preventDefault();
  if (event.key !== " " || !event.repeat) act();
});
addEventListener("resize", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); show(); });

readColours();
go(steps.length - 1);
