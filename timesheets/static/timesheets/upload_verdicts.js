// Say in words what became of the entries of a file, or would become of them: problems first.
"use strict";

const SHOWN_ROWS = 100;
const ROWS_PER_STEP = 500;
const KINDS = { 200: "existing", 201: "created" };
const CELLS = { Employee: "user_id", Date: "date", Project: "project", Hours: "hours" };

// The entries of an answer, each with its record of the file, by kind: `problems`, `created` and `existing`.
function sortVerdicts(answer, records) {
  const sorted = { problems: [], created: [], existing: [] };
  // If the file was split in another way than the API splits it, the rows are unknown.
  const known = records.length === answer.received ? records : [];
  for (const verdict of answer.entries) {
    const place = { ...verdict, record: known[verdict.index] };
    sorted[KINDS[verdict.status] ?? "problems"].push(place);
  }
  return sorted;
}

// Numbers to look at first. The hours of a rejected entry may be no number.
function showCounts(sorted, words) {
  const tiles = element("dl", "", "tiles");
  for (const [kind, label] of Object.entries(words)) {
    const count = sorted[kind].length;
    const hours = kind === "problems" ? null : addHours(sorted[kind]);
    const tile = element("div", "", count ? { problems: "wrong", created: "good" }[kind] : "");
    const value = element("dd", formatCount(count));
    if (hours !== null) value.append(element("span", `${formatHours(hours)} hours`, "hint"));
    tile.append(element("dt", label), value);
    tiles.append(tile);
  }
  return tiles;
}

function showPeople(verdicts) {
  const people = new Map();
  for (const verdict of verdicts) {
    const name = String(verdict.record?.members.user_id).trim();
    if (!people.has(name)) people.set(name, []);
    people.get(name).push(verdict);
  }
  const names = [...people.keys()].sort((one, other) => one.localeCompare(other, undefined, { numeric: true }));
  return showRows("", ["Employee", "Entries", "Hours"], names, (name) => {
    const entries = people.get(name);
    return [isolated(name), number(formatCount(entries.length)), number(formatHours(addHours(entries)))];
  });
}

function showVerdicts(verdicts, form, isPreview) {
  const isKnown = verdicts.every(({ record }) => record);
  const titles = [isKnown ? form.chosen.format.unit : "Entry", isPreview ? "Problem" : "Outcome", ...(isKnown ? Object.keys(CELLS) : [])];
  return showRows("entries", titles, verdicts, (verdict) => {
    const members = Object.values(CELLS).map((name) => isolated(verdict.record?.members[name] ?? ""));
    return [locate(verdict), describe(verdict, form.dataset.entries, isPreview), ...(isKnown ? members : [])];
  });
}

// A spreadsheet counts rows, an editor counts lines. A line break in quotes makes them differ.
function locate({ record, index }) {
  if (!record) return element("span", String(index + 1));
  return element("span", record.row === record.line ? String(record.row) : `${record.row} (line ${record.line})`);
}

function describe(verdict, entries, isPreview) {
  const cell = element("div");
  for (const line of [explain(verdict, isPreview), ...listErrors(verdict.errors)].filter(Boolean)) cell.append(element("div", line));
  if (entries && verdict.id && verdict.status < 300) {
    cell.append(makeLink(`${entries}/${verdict.id}`, `View entry ${verdict.id}`));
  }
  return cell;
}

function explain(verdict, isPreview) {
  const { status, code } = verdict;
  if (status === 201) return verdict.supersedes ? `Created, replaces entry ${verdict.supersedes}.` : "Created.";
  if (status === 200) return verdict.superseded_by ? `Already stored, but entry ${verdict.superseded_by} has replaced it.` : "Already stored.";
  if (status === 424) return "Not stored, because other entries were rejected.";
  if (status === 409 && code !== "revision_gap") return explainConflict(verdict);
  return isPreview ? "" : "Rejected.";
}

function explainConflict({ id, current_revision, record }) {
  const revision = Number(record?.members.revision) > 1 ? `revision ${record.members.revision} of ` : "";
  if (!id) return `Conflict: ${revision}this entry_id occurs before in this file, with different content.`;
  return (
    `Conflict: ${revision}this entry_id is stored as entry ${id} with different content, which stays unchanged. ` +
    `To correct it, upload it with revision ${(current_revision ?? 1) + 1} and a reason.`
  );
}

// DRF's errors, one text per member.
function listErrors(errors) {
  return Object.entries(errors ?? {}).map(([name, texts]) => `${name === "non_field_errors" ? "" : `${name}: `}${texts.join(" ")}`);
}

// A table with the first rows. A button adds the others, in steps, so that the page stays responsive.
function showRows(className, titles, items, makeCells) {
  const table = makeTable(titles);
  table.className = className;
  const addRows = (begin, end) => {
    for (const item of items.slice(begin, end)) addRow(table, titles, makeCells(item));
  };
  addRows(0, SHOWN_ROWS);
  const framed = frame(table);
  if (items.length <= SHOWN_ROWS) return framed;
  const button = element("button", `Show all ${formatCount(items.length)}`, "quiet");
  button.type = "button";
  button.addEventListener("click", async () => {
    button.remove();
    for (let begin = SHOWN_ROWS; begin < items.length; begin += ROWS_PER_STEP) {
      addRows(begin, begin + ROWS_PER_STEP);
      await new Promise((resolve) => setTimeout(resolve));
    }
  });
  const both = element("div");
  both.append(framed, button);
  return both;
}

function addRow(table, titles, cells) {
  const row = table.tBodies[0].insertRow();
  cells.forEach((content, position) => {
    const cell = content.tagName === "TD" ? content : element("td");
    if (cell !== content) cell.append(content);
    if (titles[position] === "Hours") cell.className = "number";
    cell.dataset.label = titles[position];
    row.append(cell);
  });
}

function makeTable(titles) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const title of titles) {
    const cell = element("th", title, ["Hours", "Entries"].includes(title) ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  table.createTBody();
  return table;
}

function frame(table) {
  const framed = element("div", "", "table");
  framed.append(table);
  return framed;
}

function number(text) {
  return element("td", text, "number");
}

// Text of a client, which may change the direction of the text around it.
function isolated(text) {
  return element("bdi", typeof text === "object" ? JSON.stringify(text) : String(text));
}

function makeLink(address, text) {
  const link = element("a", text);
  link.href = address;
  return link;
}

// The API has accepted these hours, so they have at most two decimal places. Null if they are unknown.
function addHours(verdicts) {
  if (verdicts.some(({ record }) => !record)) return null;
  return verdicts.reduce((sum, { record }) => sum + Math.round(Number(record.members.hours) * 100), 0) / 100;
}

function formatHours(hours) {
  return hours.toFixed(2);
}

function formatCount(count) {
  return count.toLocaleString("en");
}

// 1 entry is, 2 entries are
function countEntries(count, one = "", many = "") {
  return count === 1 ? `1 entry ${one}`.trim() : `${formatCount(count)} entries ${many}`.trim();
}
