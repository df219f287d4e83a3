/* The latent playground. The state is a code and, for a model that knows classes, a class; every
   control changes it and calls `show`, which draws all of it. */

const data = JSON.parse(document.getElementById("data").textContent);
const element = id => document.getElementById(id);
const CELLS = 7;  // of the map, in a row

const rows = (text, length) => {
  const all = floats(text);
  const row = (_, i) => all.subarray(i * length, (i + 1) * length);
  return Array.from({length: all.length / length}, row);
};
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const norm = a => Math.sqrt(dot(a, a));
const clamp = (value, [low, high]) => Math.min(Math.max(value, low), high);
const fixed = (value, digits = 2) =>
  value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");

/* interpolate() of evaluation/latent.py at one t; null where no arc leads from one to the other. */
function between(start, end, t, kind) {
  let weights = [1 - t, t];
  if (kind === "spherical") {
    const norms = [norm(start), norm(end)];
    if (!norms.every(n => n > 0)) return null;
    const [a, b] = [start, end].map((vector, i) => Float64Array.from(vector, x => x / norms[i]));
    const angle = 2 * Math.atan2(norm(a.map((x, i) => x - b[i])), norm(a.map((x, i) => x + b[i])));
    if (Math.PI - angle < 1e-8) return null;
    if (angle >= 1e-8) weights = weights.map(w => Math.sin(w * angle) / Math.sin(angle));
  }
  return Float32Array.from(start, (x, i) => weights[0] * x + weights[1] * end[i]);
}

/* Pixels in [0, 1], grey or in colour, onto a canvas. */
function draw(canvas, pixels, [height, width, channels = 1], left = 0, top = 0) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = 255 * pixels[channels === 3 ? 3 * i + c : i];
    }
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, left, top);
}

function size(canvas, height, width) {
  Object.assign(canvas, {height, width});
  canvas.style.aspectRatio = `${width} / ${height}`;
}

function play() {
  const {shape, latent, classes, plane} = data;
  const [height, width] = shape;
  const decoder = network(data.decoder), encoder = data.encoder && network(data.encoder);
  const directions = rows(plane.directions, latent), centre = floats(plane.centre);
  const lengths = plane.ranges.map(([low, high]) => high - low);
  const digits = Math.max(2, 2 - Math.floor(Math.log10(Math.min(...lengths))));
  const rounded = value => fixed(value, digits);
  const what = data.images ? "test image" : "sample";

  const withClass = (values, label) =>
    classes ? [values, Float32Array.from({length: classes}, (_, i) => +(i === label))] : [values];
  const decode = (code, label) => decoder(...withClass(code, label));
  const encode = (image, label) => encoder(...withClass(image, label));

  /* The images or samples of the strip, with their codes. */
  const stored = rows(data.codes, latent);
  const images = data.images && rows(data.images, shape.reduce((a, b) => a * b));
  const items = stored.map((code, i) => {
    const label = data.labels?.[i] ?? 0;
    const name = `${what} ${i + 1}` + (data.labels ? `, class ${label}` : "");
    return {label, name, code, image: images ? images[i] : decode(code, label)};
  });
  if (encoder) for (const item of items) item.code = encode(item.image, item.label);

  const state = {code: Float32Array.from(items[0].code), label: items[0].label};

  /* Where a code is in the plane, and the same code moved to another place there. */
  const place = code => directions.map(d => dot(code.map((x, i) => x - centre[i]), d));
  function moved(code, to) {
    const from = place(code);
    return code.map((x, i) => directions.reduce((sum, d, k) => sum + (to[k] - from[k]) * d[i], x));
  }

  /* Drawing */

  let mapped = null;  // what the map shows: it stays while a code moves in the plane
  function drawMap() {
    mapped = null;
    const at = (i, [low, high]) => low + (high - low) * (i + 0.5) / CELLS;
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const to = [column, CELLS - 1 - row].map((i, k) => at(i, plane.ranges[k] ?? [0, 0]));
        const pixels = decode(moved(state.code, to), state.label);
        draw(element("map"), pixels, shape, column * width, row * height);
      }
    }
  }

  function show({inPlane = false} = {}) {
    const pixels = decode(state.code, state.label), at = place(state.code);
    draw(element("image"), pixels, shape);
    const like = items.map(({image}) => norm(image.map((x, i) => x - pixels[i])));
    const nearest = items[like.indexOf(Math.min(...like))].name;
    const words = `At ${at.map(rounded).join(", ")} in the plane. Most like ${nearest}; mean `
      + `brightness ${fixed(pixels.reduce((a, b) => a + b) / pixels.length)}.`;
    element("says").textContent = words;
    element("image").setAttribute("aria-label", `Decoded image. ${words}`);
    element("class").value = state.label;

    const share = at.map((value, k) => {
      const [low, high] = plane.ranges[k];
      return (clamp(value, [low, high]) - low) / (high - low);
    });
    element("marker").style.left = `${100 * share[0]}%`;
    element("marker").style.top = `${100 * (1 - (share[1] ?? 0.5))}%`;
    for (const {unit, input, output} of sliders) {
      input.value = state.code[unit];
      output.textContent = rounded(state.code[unit]);
    }
    if (!inPlane) mapped ??= requestAnimationFrame(drawMap);
  }

  /* The plane */

  const pad = element("pad");
  const into = to => {
    state.code = moved(state.code, to.map((value, k) => clamp(value, plane.ranges[k])));
    choose(null);
    show({inPlane: true});
  };
  function drag(event) {
    const box = pad.getBoundingClientRect();
    const share = [
      (event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height,
    ];
    into(plane.ranges.map(([low, high], k) => low + (high - low) * share[k]));
  }
  pad.addEventListener("pointerdown", event => {
    drag(event);
    pad.setPointerCapture(event.pointerId);
  });
  pad.addEventListener("pointermove", event => {
    if (pad.hasPointerCapture(event.pointerId)) drag(event);
  });
  const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1]};
  pad.addEventListener("keydown", event => {
    const key = KEYS[event.key];
    if (!key) return;
    event.preventDefault();
    const part = event.shiftKey ? 0.1 : 0.02;
    into(place(state.code).map((x, k) => x + key[k] * part * lengths[k]));
  });
  element("plane-help").textContent =
    `Drag, or move with the arrow keys, with Shift five times as far. ${plane.words}.`;

  /* The strip */

  element("strip-title").textContent = data.images ? "Encode a test image" : "Start from a sample";
  function choose(item) {
    for (const {button, ...other} of items) {
      button.setAttribute("aria-pressed", other.name === item?.name);
    }
  }
  function startFrom(item) {
    Object.assign(state, {code: Float32Array.from(item.code), label: item.label});
    choose(item);
    show();
  }
  items.forEach((item, i) => {
    item.button = document.createElement("button");
    item.button.setAttribute("aria-label", item.name);
    const canvas = document.createElement("canvas");
    size(canvas, height, width);
    draw(canvas, item.image, shape);
    item.button.append(canvas, data.labels ? String(item.label) : "");
    item.button.addEventListener("click", () => {
      element("from").value = i;
      element("way").value = 0;
      element("share").textContent = fixed(0);
      startFrom(item);
    });
    element("strip").append(item.button);
    for (const id of ["from", "to"]) element(id).add(new Option(item.name, i));
  });

  /* The walk */

  if (classes) element("walk-help").textContent = "The class stays as it is chosen above.";

  element("to").value = Math.min(1, items.length - 1);
  function walk() {
    const [start, end] = ["from", "to"].map(id => items[element(id).value]);
    const t = Number(element("way").value), kind = element("kind").value;
    const code = between(start.code, end.code, t, kind);
    element("no-arc").hidden = code !== null;
    state.code = code ?? between(start.code, end.code, t, "linear");
    element("share").textContent = fixed(t);
    choose(t === 0 ? start : null);
    show();
  }
  element("from").addEventListener("change", () => {
    state.label = items[element("from").value].label;
    walk();
  });
  for (const id of ["to", "kind"]) element(id).addEventListener("change", walk);
  element("way").addEventListener("input", walk);

  /* The class, and single numbers */

  element("class-control").hidden = !classes;
  for (let label = 0; label < classes; label++) element("class").add(new Option(label, label));
  element("class").addEventListener("change", () => {
    state.label = Number(element("class").value);
    show();
  });

  const [low, high] = data.range;
  const sliders = data.units.map(unit => {
    const label = document.createElement("label"), input = document.createElement("input");
    const output = document.createElement("output");
    Object.assign(input, {type: "range", min: low, max: high, step: (high - low) / 200});
    input.addEventListener("input", () => {
      state.code[unit] = input.value;
      choose(null);
      show();
    });
    label.append(`unit ${unit + 1}`, input, output);
    element("units").append(label);
    return {unit, input, output};
  });
  if (latent > sliders.length) {
    element("units-help").textContent = `These are ${sliders.length} of the ${latent} numbers of a `
      + "code; the others stay as they are.";
  }

  size(element("image"), height, width);
  size(element("map"), CELLS * height, CELLS * width);
  startFrom(items[0]);
  return {decode, encode, state, items, between, show};
}

const playground = data && play();
