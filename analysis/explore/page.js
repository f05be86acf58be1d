// The page's own part: choices, the chosen counts, curves and numbers. What is computed stands in statistics.js.
"use strict";
const NOT_COMPARED = ["unresolved", "not known"];
const COLOURS = ["#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#5B6470", "#009E73", "#CC79A7", "#1f2933"];
const DAYS_A_YEAR = data.daysAYear, YEARS_SHOWN = 10, LANDMARK_YEARS = [3, 5];
const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/** What was chosen: endpoint, grouping ("" for none) and a level's number (or "") of each variable. */
function explored(choice) {
  const endpoint = data.endpoints.find(known => known.name === choice.endpoint);
  const inSubgroup = cell => data.variables.every(({name}, v) => choice[name] === "" || choice[name] === undefined || data.cells[cell][v] === Number(choice[name]));
  const by = data.variables.findIndex(({name}) => name === choice.grouping);
  const rowsOf = new Map();
  for (const [cell, day, code, n] of endpoint.rows) {
    if (!inSubgroup(cell)) continue;
    const group = by < 0 ? "all" : data.variables[by].levels[data.cells[cell][by]];
    if (!rowsOf.has(group)) rowsOf.set(group, []);
    rowsOf.get(group).push([day, code, n]);
  }
  const order = by < 0 ? ["all"] : data.variables[by].levels;
  const estimate = endpoint.kind === "survival" ? survivalStatistics.kaplanMeier : survivalStatistics.aalenJohansen;
  const groups = order.filter(name => rowsOf.has(name)).map(name => {
    const counts = survivalStatistics.countsOf(rowsOf.get(name));
    // a group that is too small leaves nothing behind but that it is
    if (counts.n < data.leastPatients) return {name, isRefused: true};
    const curve = estimate(counts);
    return {
      name, isRefused: false, counts, curve, n: counts.n, events: counts.event.reduce((a, b) => a + b, 0),
      landmarks: LANDMARK_YEARS.map(years => survivalStatistics.readOff(curve, years * DAYS_A_YEAR)),
      risk: Array.from({length: YEARS_SHOWN + 1}, (_, years) => survivalStatistics.readOff(curve, years * DAYS_A_YEAR).risk),
    };
  });
  const shown = groups.filter(group => !group.isRefused);
  const compared = shown.filter(group => !NOT_COMPARED.includes(group.name));
  const test = by >= 0 && compared.length > 1
    ? (endpoint.kind === "survival" ? survivalStatistics.logrank : survivalStatistics.gray)(compared.map(group => group.counts)) : null;
  return {endpoint, groups, shown, compared, test};
}

const percent = value => Number.isNaN(value) ? "" : `${(100 * value).toFixed(0)}%`;
const estimateText = read => Number.isNaN(read.estimate) ? "nobody at risk"
  : percent(read.estimate) + (Number.isNaN(read.low) ? "" : ` (${(100 * read.low).toFixed(0)}\u2013${percent(read.high)})`);
const pText = p => p < 0.001 ? "P<0.001" : `P=${p.toFixed(p < 0.0995 ? 3 : 2)}`;

function drawChart(result) {
  const width = 880, height = 320, left = 120, right = 130, top = 12, row = 18;
  const total = height + 66 + row * result.shown.length;
  const svg = (name, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const x = years => left + years / YEARS_SHOWN * (width - left - right), y = share => top + (1 - share) * (height - top - 30);
  const chart = svg("svg", {viewBox: `0 0 ${width} ${total}`, width, height: total, "font-family": "Helvetica, Arial, sans-serif", "font-size": 12});
  for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    chart.append(svg("line", {x1: x(0), x2: x(YEARS_SHOWN), y1: y(share), y2: y(share), stroke: "#e7ebef"}));
    chart.append(svg("text", {x: x(0) - 8, y: y(share) + 4, "text-anchor": "end"}, percent(share)));
  }
  for (let years = 0; years <= YEARS_SHOWN; years++)
    chart.append(svg("text", {x: x(years), y: height - 12, "text-anchor": "middle"}, years));
  chart.append(svg("text", {x: (x(0) + x(YEARS_SHOWN)) / 2, y: height + 6, "text-anchor": "middle"}, "Years"));
  chart.append(svg("text", {x: 4, y: height + 28, fill: "#52606d"}, "Patients at risk"));
  const ends = [];
  result.shown.forEach((group, number) => {
    const colour = COLOURS[number % COLOURS.length], {days, estimate, risk} = group.curve;
    let path = `M${x(0)},${y(result.endpoint.kind === "survival" ? 1 : 0)}`, last = null;
    days.forEach((day, i) => {
      const years = day / DAYS_A_YEAR;
      if (years > YEARS_SHOWN || !risk[i]) return;
      path += `H${x(years)}V${y(estimate[i])}`;
      last = estimate[i];
    });
    chart.append(svg("path", {d: path, fill: "none", stroke: colour, "stroke-width": 2.2, "data-group": group.name}));
    if (last !== null) ends.push({at: y(last), name: group.name, colour});
    const line = height + 28 + row * (number + 1);
    chart.append(svg("text", {x: x(0) - 26, y: line, "text-anchor": "end", fill: colour}, group.name));
    group.risk.forEach((n, years) => chart.append(svg("text", {x: x(years), y: line, "text-anchor": "middle"}, n)));
  });
  ends.sort((a, b) => a.at - b.at).forEach((end, i) => { if (i && end.at < ends[i - 1].at + 14) end.at = ends[i - 1].at + 14; });
  for (const end of ends) chart.append(svg("text", {x: x(YEARS_SHOWN) + 8, y: end.at + 4, fill: end.colour, "font-weight": "bold"}, end.name));
  document.getElementById("chart").replaceChildren(chart);
}

function show(result) {
  const n = result.shown.reduce((total, group) => total + group.n, 0), refused = result.groups.filter(group => group.isRefused);
  const who = document.getElementById("who");
  who.className = result.shown.length ? "" : "refused";
  who.textContent = result.shown.length ? `${n.toLocaleString("en")} patients: ${result.endpoint.label}`
    : `Refused: there are fewer than ${data.leastPatients} patients in this group.`;
  document.getElementById("chart").hidden = !result.shown.length;
  drawChart(result);
  const table = document.getElementById("numbers"), head = element("tr");
  for (const text of ["Group", "Patients", "Events", ...LANDMARK_YEARS.map(years => `${years} years (95% limits)`)]) head.append(element("th", text, {scope: "col"}));
  const rows = result.groups.map(group => {
    const line = element("tr");
    line.append(element("td", group.name));
    if (group.isRefused) line.append(element("td", `fewer than ${data.leastPatients} patients: refused`, {colspan: 4, class: "refused"}));
    else for (const text of [group.n, group.events, ...group.landmarks.map(estimateText)]) line.append(element("td", text));
    return line;
  });
  table.replaceChildren(element("thead"), element("tbody"));
  table.tHead.append(head);
  table.tBodies[0].append(...rows);
  const {test, compared} = result;
  document.getElementById("test").textContent = !test ? "" : Number.isNaN(test.statistic) ? "No test: the groups' counts do not vary."
    : `${result.endpoint.kind === "survival" ? "Log-rank test" : "Gray\u2019s test"} of ${compared.length} groups: chi-square ${test.statistic.toFixed(2)} with `
      + `${test.degrees} degree${test.degrees > 1 ? "s" : ""} of freedom, ${pText(test.p)}${refused.length ? `; without ${refused.map(group => group.name).join(", ")}` : ""}.`;
}

const form = document.getElementById("choices");
function addChoice(name, label, options) {
  const held = element("label", label), select = element("select", undefined, {name});
  for (const [value, text] of options) select.append(element("option", text, {value}));
  held.append(select);
  form.append(held);
}
addChoice("endpoint", "Endpoint", data.endpoints.map(({name, label}) => [name, label]));
addChoice("grouping", "Compare by", [["", "nothing: one curve"], ...data.variables.map(({name, label}) => [name, label])]);
for (const {name, label, levels} of data.variables) addChoice(name, `Only ${label.toLowerCase()}`, [["", "all"], ...levels.map((level, number) => [number, level])]);
const chosen = () => Object.fromEntries(new FormData(form));
// a choice is part of the address, so that it can be kept and sent to a colleague who has the page
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (form.elements[name]) form.elements[name].value = value;
function update() {
  const choice = chosen();
  history.replaceState(null, "", "#" + new URLSearchParams(Object.entries(choice).filter(([, value]) => value !== "")));
  show(explored(choice));
}
if (!location.hash && data.variables.length) form.elements.grouping.value = data.variables[0].name;
form.addEventListener("change", update);
update();
