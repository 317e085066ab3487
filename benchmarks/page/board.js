"use strict";
// The whole state of the page is its fragment, so that a view can be sent as a link.

const board = JSON.parse(document.getElementById("board").textContent);
const form = document.getElementById("filters");
const FILTERS = ["task", "protocol", "clip", "pretrain"];
const NUMBERS = new Set(["score", "gmacs", "parameters", "seconds", "value"]);
let state = new URLSearchParams();

// All text reaches the page as text, never as markup.
function make(tag, options = {}, ...children) {
  const { data = {}, aria = {}, ...properties } = options;
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// As people read it: shares in percent, levels in decibels, distances as they are.
const unit = (figure) => board.units[figure] ?? "%";
const isShare = (figure) => unit(figure) === "%";
const number = (figure, value) => ((isShare(figure) ? 100 : 1) * value).toFixed(unit(figure) ? 1 : 3);
const percent = (share) => (100 * share).toFixed(1);
const short = (number) => (number ? Number(number.toPrecision(3)).toLocaleString("en") : "0");
const several = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function parameters(count) {
  if (!count) return "0";
  return count < 1e6 ? `${short(count / 1e3)} K` : `${short(count / 1e6)} M`;
}

function bar({ score: { accuracy, interval: [low, high] }, chance, metric }) {
  if (!isShare(metric)) return "";
  const at = (name, left, width) => {
    const mark = make("i", { className: name });
    mark.style.left = `${100 * left}%`;
    if (width !== undefined) mark.style.width = `${100 * width}%`;
    return mark;
  };
  const told = chance === null ? "" : `; chance ${percent(chance)}`;
  const title = `95 % interval ${percent(low)} to ${percent(high)}${told}`;
  return make("span", { className: "bar", title, ariaHidden: "true" }, at("range", low, high - low),
    chance === null ? "" : at("chance", chance), at("point", accuracy));
}

function sourceLink(text) {
  const paper = text.match(/arXiv[: ]+(\d{4}\.\d{4,5})/);
  return paper ? make("a", { href: `https://arxiv.org/abs/${paper[1]}`, rel: "noreferrer" }, text) : text;
}

const fileLink = (row) =>
  make("a", { href: row.file.split("/").map(encodeURIComponent).join("/") }, "JSON");

// key, title, what it sorts by, what it shows.
const OURS = [
  ["model", "Model", (row) => row.model.name, (row) => [row.model.name, " ",
    row.kind === "model" ? "" : make("span", { className: "tag" }, row.kind_text), make("small", {}, row.model.revision)]],
  ["data", "Data", (row) => row.data, (row) => [row.data, make("small", {}, row.modality)]],
  ["protocol", "Protocol", (row) => row.protocol, (row) => [row.protocol, make("small", {}, row.score.layer)]],
  ["score", "Our score %", (row) => row.score.accuracy, (row) => [
    make("strong", {}, `${number(row.metric, row.score.accuracy)}${isShare(row.metric) ? "" : ` ${unit(row.metric)}`}`),
    bar(row), make("small", {}, row.score.interval.map((end) => number(row.metric, end)).join(" to "))]],
  ["metric", "Metric", (row) => row.metric],
  ["clip", "Clip", (row) => parseFloat(row.clip) || 0, (row) => [row.clip]],
  ["pretrain", "Pretrained on", (row) => row.pretrain],
  ["gmacs", "GMACs a clip", (row) => row.gmacs, (row) => [short(row.gmacs)]],
  ["parameters", "Parameters", (row) => row.model.parameters, (row) => [parameters(row.model.parameters)]],
  ["seconds", "Wall time", (row) => row.seconds, (row) => [duration(row.seconds),
    row.run.reused_recordings ? make("small", {}, "features reused") : ""]],
  ["file", "Result", (row) => row.file, (row) => [detailButton(row), " ", fileLink(row)]],
];
const PUBLISHED = [
  ["model", "Method", (row) => row.model, (row) => [row.model, make("small", {}, row.backbone)]],
  ["data", "Data", (row) => row.task, (row) => [row.task, row.dataset === row.task ? "" : make("small", {}, row.dataset)]],
  ["protocol", "Protocol", (row) => row.protocol],
  ["value", "Published", (row) => row.value, (row) => [`${row.value}${row.unit === "%" ? "" : ` ${row.unit}`}`]],
  ["metric", "Metric", (row) => row.metric],
  ["clip", "Input", (row) => parseFloat(row.clip) || 0, (row) => [row.input]],
  ["pretrain", "Pretrained on", (row) => row.pretrain],
  ["evidence", "Evidence", (row) => row.evidence, (row) => [make("span", { className: "tag" }, row.evidence)]],
  ["source", "Source", (row) => row.source, (row) => [sourceLink(row.source),
    row.note ? make("details", {}, make("summary", {}, "Note"), row.note) : ""]],
];
const TABLES = [
  { id: "ours", sort: "sort", columns: OURS, rows: board.ours, alike: (row) => [row.data, row.modality, row.protocol, row.metric],
    ranks: "score" },
  { id: "published", sort: "psort", columns: PUBLISHED, rows: board.published,
    alike: (row) => [row.dataset, row.protocol, row.input, row.metric], ranks: "value" },
];

function fits(row, id) {
  const who = state.get("who");
  if (who && who !== id) return false;
  if (row.kind === "control" && state.get("controls") === "hide") return false;
  const name = (id === "ours" ? row.model.name : `${row.model} ${row.backbone}`).toLowerCase();
  if (!name.includes((state.get("q") ?? "").toLowerCase())) return false;
  return FILTERS.every((key) => !state.get(key) || row[key] === state.get(key));
}

function sorted(rows, table) {
  const [, down, key] = (state.get(table.sort) ?? "").match(/^(-?)(.*)$/);
  const column = table.columns.find(([name]) => name === key);
  if (!column) return rows;
  const [, , value] = column;
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  return [...rows].sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1));
}

function detailButton(row) {
  const isOpen = state.getAll("open").includes(row.id);
  const toggle = () => {
    const others = state.getAll("open").filter((id) => id !== row.id);
    state.delete("open");
    for (const id of isOpen ? others : [...others, row.id]) state.append("open", id);
    render();
  };
  return make("button", { type: "button", onclick: toggle, data: { keep: `open ${row.id}` }, aria: { expanded: isOpen } }, "Details");
}

function plainTable(className, head, rows) {
  const line = (cells) => make("tr", {}, ...cells.map((cell, place) =>
    place ? make("td", { className: "number" }, cell) : make("th", { scope: "row" }, cell)));
  return make("div", { className: "scroll" }, make("table", { className },
    make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", { scope: "col" }, make("span", {}, cell))))),
    make("tbody", {}, ...rows.map(line))));
}

function splitTable(row) {
  const sizes = new Map(row.splits.map((split) => [split.name, split]));
  const titles = row.layers[row.score.layer].splits.map(({ name }) => {
    const { test, official_test: whole } = sizes.get(name);
    return `${name} (${whole && whole !== test ? `${test} of ${whole}` : test} tested)`;
  });
  const further = Object.keys(row.score.further);
  const lines = Object.entries(row.layers).map(([name, layer]) => [
    name === row.score.layer ? `${name} (reported)` : name,
    number(row.metric, layer.accuracy), layer.interval.map((end) => number(row.metric, end)).join(" to "),
    layer.clip_accuracy === null ? "–" : percent(layer.clip_accuracy),
    ...further.map((key) => number(key, layer.further[key])),
    ...layer.splits.map((split) => number(row.metric, split.accuracy)),
  ]);
  return plainTable("splits", ["layer", `${row.metric} ${unit(row.metric)}`, "95 % interval", "of single clips %",
    ...further.map((key) => `${key} ${unit(key)}`), ...titles], lines);
}

function confusion({ classes, matrix, pairs }) {
  if (pairs) {
    return pairs.length ? plainTable("pairs", ["class", "taken for", "recordings"], pairs.map((pair) => pair.map(String)))
      : make("p", {}, "No recording was taken for another class.");
  }
  const table = plainTable("confusion", ["class ↓ taken for →", ...classes],
    matrix.map((counts, place) => [classes[place], ...counts.map((count) => (count ? String(count) : ""))]));
  matrix.forEach((counts, place) => {
    const sum = counts.reduce((a, b) => a + b, 0) || 1;
    counts.forEach((count, other) =>
      table.querySelectorAll("tbody tr")[place].children[other + 1].style.setProperty("--share", count / sum));
  });
  return table;
}

function spent(run, reused) {
  if ("feature_seconds" in run) return `features ${duration(run.feature_seconds)}${reused}; classifiers ${duration(run.classifier_seconds)}`;
  if ("training_seconds" in run) return `training ${duration(run.training_seconds)}; test ${duration(run.test_seconds)}`;
  return `answers ${duration(run.answer_seconds)}${run.reused_trials ? `, ${several(run.reused_trials, "trial")} taken from an earlier run` : ""}`;
}

function facts(row) {
  const { run, input, cost } = row;
  const reused = run.reused_recordings ? `, of ${several(run.reused_recordings, "recording")} taken from an earlier run` : "";
  const told = {
    Reported: row.selection,
    Recordings: `${row.recordings}${row.missing ? `, ${row.missing} missing` : ""}${row.part ? `; a part: ${row.part}` : ""}`,
    "One clip": `${row.clip}${input.fps ? ` at ${input.fps} fps` : ""}${input.sampling_rate ? ` at ${input.sampling_rate} Hz` : ""}, ${input.shape.join(" × ")}`,
    Work: `${short(cost.clips)} clips, ${short(cost.gmacs)} GMACs in all`,
    Time: spent(run, reused),
    Machine: row.machine,
    "Date, seed": `${run.date}, ${row.seed}`,
    "Weights, sha256": row.model.weights_sha256,
    Settings: Object.entries(row.settings).map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", "),
  };
  return make("dl", {}, ...Object.entries(told).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
}

function detail(row, width) {
  const errors = row.confusion.pairs ? "Most frequent confusions" : "Confusion matrix, recordings";
  const mistakes = row.chance === null ? [] : [make("h3", {}, errors), confusion(row.confusion)];
  const parts = make("div", {}, make("h3", {}, "Layers and splits"), splitTable(row), ...mistakes,
    make("h3", {}, "The run"), facts(row));
  return make("tr", { className: "detail" }, make("td", { colSpan: width }, parts));
}

function sortBy(table, key) {
  // Of a number the largest is looked for first.
  const [first, second] = NUMBERS.has(key) ? [`-${key}`, key] : [key, `-${key}`];
  state.set(table.sort, state.get(table.sort) === first ? second : first);
  render();
}

function renderHead(table, section) {
  const sort = state.get(table.sort) ?? "";
  const directions = { [sort]: sort.startsWith("-") ? "descending" : "ascending" };
  section.querySelector("thead tr").replaceChildren(...table.columns.map(([key, title]) => {
    const direction = directions[key] ?? directions[`-${key}`] ?? "none";
    const button = make("button", { type: "button", onclick: () => sortBy(table, key), data: { keep: `${table.id} ${key}` } }, title);
    return make("th", { scope: "col", className: NUMBERS.has(key) ? "number" : "", aria: { sort: direction } }, button);
  }));
  const options = table.columns.flatMap(([key, title]) => [[key, `${title} ↑`], [`-${key}`, `${title} ↓`]]);
  const select = section.querySelector(".sort select");
  select.replaceChildren(new Option("data and protocol", ""), ...options.map(([value, text]) => new Option(text, value)));
  select.value = sort;
  select.onchange = () => { state.set(table.sort, select.value); render(); };
}

function renderTable(table) {
  const section = document.getElementById(table.id);
  section.hidden = Boolean(state.get("who")) && state.get("who") !== table.id;
  const rows = table.rows.filter((row) => fits(row, table.id));
  renderHead(table, section);
  section.querySelector("table").className = "rows";
  section.querySelector("tbody").replaceChildren(...sorted(rows, table).flatMap((row) => {
    const cells = table.columns.map(([key, title, value, show], place) => {
      const content = show ? show(row) : [value(row)];
      const className = NUMBERS.has(key) ? "number" : key;
      return place ? make("td", { className, data: { label: title } }, make("div", {}, ...content))
        : make("th", { scope: "row" }, ...content);
    });
    const line = make("tr", { className: row.kind ?? "" }, ...cells);
    return state.getAll("open").includes(row.id) ? [line, detail(row, cells.length)] : [line];
  }));
  for (const part of [".scroll", ".sort"]) section.querySelector(part).hidden = !rows.length;
  renderEmpty(section.querySelector(".empty"), table, rows);
  const kinds = new Set(rows.map((row) => JSON.stringify(table.alike(row)))).size;
  const warning = section.querySelector(".warning");
  const ranked = (state.get(table.sort) ?? "").replace("-", "") === table.ranks;
  warning.hidden = !(ranked && kinds > 1);
  warning.textContent = `No ranking: these rows are of ${kinds} different combinations of data, protocol, input or metric.`;
  return rows;
}

function renderEmpty(place, table, rows) {
  place.hidden = Boolean(rows.length);
  if (table.rows.length) {
    const clear = make("button", { type: "button", onclick: () => form.reset() }, "Clear filters");
    place.replaceChildren(`None of ${table.rows.length} fits these filters.`, clear);
  } else {
    place.replaceChildren(table.id === "ours" ? "No results yet. Make one: python -m benchmarks run" : "No published figures.");
  }
}

function renderFilters() {
  for (const key of FILTERS) {
    const select = form.elements[key];
    const known = TABLES.map(({ id, rows }) => [id, [...new Set(rows.map((row) => row[key]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))]);
    const chosen = state.get(key) ?? "";
    const groups = known.filter(([, values]) => values.length)
      .map(([id, values]) => make("optgroup", { label: id }, ...values.map((value) => new Option(value, value))));
    // A link may name what this page no longer has: that must show, not turn into "all".
    const unknown = chosen && !known.some(([, values]) => values.includes(chosen)) ? [new Option(`${chosen} (not here)`, chosen)] : [];
    select.replaceChildren(new Option("all", ""), ...unknown, ...groups);
    select.value = chosen;
  }
  form.elements.who.value = state.get("who") ?? "";
  form.elements.controls.checked = state.get("controls") !== "hide";
  if (document.activeElement !== form.elements.q) form.elements.q.value = state.get("q") ?? "";
}

function renderTheme() {
  const theme = state.get("theme") ?? "";
  document.documentElement.dataset.theme = theme;
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const button = document.getElementById("theme");
  button.textContent = dark ? "Light" : "Dark";
  button.onclick = () => { state.set("theme", dark ? "light" : "dark"); render(); };
}

function render() {
  for (const [key, value] of [...state]) if (!value) state.delete(key);
  if (location.hash.slice(1) !== state.toString()) history.replaceState(null, "", `#${state}`);
  const kept = document.activeElement?.dataset.keep;
  renderFilters();
  renderTheme();
  const [ours, published] = TABLES.map(renderTable);
  const shown = new Set(ours.map((row) => row.id));
  document.querySelectorAll("#plots figure").forEach((figure, place) => {
    figure.hidden = !board.plots[place].some((id) => shown.has(id));
  });
  document.body.classList.toggle("no-controls", state.get("controls") === "hide");
  document.getElementById("count").textContent =
    `${ours.length} of ${several(board.ours.length, "result")}, ${published.length} of ${several(board.published.length, "published figure")}`;
  // Rows and heads are made anew; the keyboard stays where it was.
  if (kept) document.querySelector(`[data-keep="${CSS.escape(kept)}"]`)?.focus();
}

function read() {
  state = new URLSearchParams(location.hash.slice(1));
  render();
}

form.addEventListener("input", () => {
  for (const key of [...FILTERS, "who", "q"]) state.set(key, form.elements[key].value);
  state.set("controls", form.elements.controls.checked ? "" : "hide");
  render();
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  for (const key of [...FILTERS, "who", "q", "controls"]) state.delete(key);
  form.elements.q.value = "";
  render();
});
form.addEventListener("submit", (event) => event.preventDefault());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
addEventListener("hashchange", read);
read();
