"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { program, steps, views } = data;
const step = document.getElementById("step");
const position = document.getElementById("position");
let now = 0;

// Elements: make("p", "text", {class: "note"}) or with children in an array.
function make(tag, content = [], attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...(Array.isArray(content) ? content : [content]));
  return element;
}

const shape = sizes => "(" + sizes.join(", ") + (sizes.length === 1 ? ",)" : ")");

// 0 is white in a signed map, its ends are blue and orange; others go from black to white.
function colour(level, signed) {
  if (!signed) return [level, level, level];
  const share = Math.min(1, Math.abs(level - 128) / 127);
  const end = level < 128 ? [26, 111, 168] : [201, 92, 16];
  return end.map(channel => Math.round(255 + share * (channel - 255)));
}

function pictures(view) {
  const [count, height, width] = view.size;
  const levels = Uint8Array.from(atob(view.pixels), character => character.charCodeAt(0));
  const scale = Math.max(1, Math.floor((count > 1 ? 84 : 320) / Math.max(height, width)));
  const drawn = [];
  for (let n = 0; n < count; n++) {
    const canvas = make("canvas", [], { width, height, "aria-hidden": "true" });
    canvas.style.width = width * scale + "px";
    canvas.style.height = "auto";
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const [red, green, blue] = colour(levels[n * width * height + i], view.signed);
      image.data.set([red, green, blue, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
    drawn.push(canvas);
  }
  return make("div", drawn, { class: "images" });
}

function array(index) {
  const view = views[index];
  const parts = [];
  if (view.numbers) {
    const rows = view.numbers.map(row => make("tr", row.map(number => make("td", number))));
    parts.push(make("div", [make("table", [make("tbody", rows)], { class: "numbers" })],
      { class: "scroll" }));
  }
  if (view.pixels) parts.push(pictures(view));
  const legend = view.pixels
    ? (view.signed ? `blue -${view.scale}, white 0, orange ${view.scale}` : `black 0, white ${view.scale}`)
    : "";
  const words = [shape(view.shape), view.dtype, view.figures, view.note, legend];
  parts.push(make("p", words.filter(Boolean).join("; "), { class: "note" }));
  return make("div", parts, { class: "array" });
}

function checks(rows) {
  if (!rows || !rows.length) return [];
  const head = ["entry", "gradient", "finite difference", ""].map(name => make("th", name));
  const body = rows.map(([at, gradient, difference, close]) => make("tr", [
    make("th", at || "the number", { scope: "row" }), make("td", gradient), make("td", difference),
    make("td", close ? "agrees" : "differs", { class: close ? "agrees" : "differs" }),
  ]));
  return [make("div", [make("table", [make("thead", [make("tr", head)]), make("tbody", body)],
    { class: "checks" })], { class: "scroll" })];
}

const show = {
  forward(s) {
    const record = program[s.record];
    return [
      make("h2", `Forwards: ${record.name} = ${record.text}`),
      ...(record.doc ? [make("pre", record.doc)] : []),
      make("h3", `Its value, ${record.name}`), array(s.value),
      ...s.inputs.flatMap(input => [make("h3", `From ${input.name}`), array(input.value)]),
    ];
  },
  seed(s) {
    return [
      make("h2", "Here the program ends, and the chain rule begins"),
      make("p", `The gradient of ${s.name} with respect to itself is 1.`), array(s.value),
    ];
  },
  backward(s) {
    const record = program[s.record];
    return [
      make("h2", `Backwards through ${record.name} = ${record.text}, to ${s.to}`),
      make("h3", `What comes in: G = ∂L/∂${record.name}`), array(s.incoming), ...checks(s.checks),
      make("h3", "The derivative"),
      ...(s.formula ? [make("p", s.formula, { class: "formula" })] : []),
      ...(s.source ? [make("pre", s.source)] : []),
      make("h3", s.sum === null ? `The product: ∂L/∂${s.to} along this path` : "The product"),
      array(s.part),
      ...(s.sum === null ? [] : [
        make("h3", `Paths meet at ${s.to}: the gradients add up`), array(s.sum),
      ]),
    ];
  },
  source(s) {
    return [
      make("h2", `The gradient with respect to ${s.name}`), array(s.value), ...checks(s.checks),
    ];
  },
  none(s) {
    return [
      make("h2", `The gradient with respect to ${s.name}`),
      make("p", "None: what was computed does not depend on it."),
    ];
  },
};

function go(to) {
  now = Math.max(0, Math.min(steps.length - 1, to));
  const current = steps[now];
  step.replaceChildren(...show[current.kind](current));
  position.value = now;
  document.getElementById("count").textContent = `${now + 1} of ${steps.length}`;
  document.getElementById("first").disabled = document.getElementById("previous").disabled = now === 0;
  document.getElementById("next").disabled = now === steps.length - 1;
  for (const [i, item] of [...document.querySelectorAll("#program li")].entries()) {
    item.classList.toggle("now", i === current.record);
    if (i === current.record) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}

const list = document.querySelector("#program ol");
for (const [i, record] of program.entries()) {
  const button = make("button", [
    `${record.name} `, make("span", shape(record.shape), { class: "shape" }), ` = ${record.text}`,
  ]);
  button.addEventListener("click", () => go(i)); // step i is record i, forwards
  list.append(make("li", [button]));
}
position.max = steps.length - 1;
position.addEventListener("input", () => go(Number(position.value)));
document.getElementById("first").addEventListener("click", () => go(0));
document.getElementById("previous").addEventListener("click", () => go(now - 1));
document.getElementById("next").addEventListener("click", () => go(now + 1));
document.getElementById("turn").addEventListener("click", () => go(program.length));
document.addEventListener("keydown", event => {
  if (event.target === position) return;
  if (event.key === "ArrowRight") go(now + 1);
  else if (event.key === "ArrowLeft") go(now - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(steps.length - 1);
  else return;
  event.preventDefault();
});
go(0);
