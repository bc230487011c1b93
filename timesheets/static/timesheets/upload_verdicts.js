// Say in words what became of the entries of a file, or would become of them: problems first, by their cause.
"use strict";

const SHOWN_ROWS = 100;
const ROWS_PER_STEP = 500;
const KINDS = { 200: "existing", 201: "created" };
const CELLS = { Employee: "user_id", Date: "date", Project: "project", Hours: "hours" };

// The entries of an answer by kind: `problems`, `created` and `existing`.
function sortVerdicts(answer) {
  const sorted = { problems: [], created: [], existing: [] };
  for (const verdict of answer.entries) sorted[KINDS[verdict.status] ?? "problems"].push(verdict);
  return sorted;
}

function showCounts(sorted, words) {
  const tiles = element("dl", "", "tiles");
  for (const [kind, label] of Object.entries(words)) {
    const count = sorted[kind].length;
    const tile = element("div", "", count ? { problems: "wrong", created: "good" }[kind] : "");
    tile.append(element("dt", label), element("dd", formatCount(count)));
    tiles.append(tile);
  }
  return tiles;
}

// What to check before the entries are stored. Nothing is refused for it.
function showDoubts(doubts) {
  if (!doubts.length) return [];
  const list = element("ul", "", "plain");
  for (const { doubt, count, examples } of doubts) {
    const item = element("li", `${doubt}: `);
    examples.forEach((example, position) => item.append(position ? ", " : "", isolated(example)));
    if (count > examples.length) item.append(` and ${formatCount(count - examples.length)} more`);
    list.append(item);
  }
  return [element("h4", "Check these before you upload"), list];
}

// A title, and for each cause a table of its entries.
function showProblems(title, problems, chosen, isPreview) {
  const causes = new Map();
  for (const verdict of problems) {
    const cause = explain(verdict, isPreview);
    if (!causes.has(cause)) causes.set(cause, []);
    causes.get(cause).push(verdict);
  }
  const groups = [...causes].map(([cause, verdicts]) => {
    const group = element("section", "", "cause");
    group.append(element("h5", `${cause} (${formatCount(verdicts.length)})`), ...showEntries(verdicts, chosen));
    return group;
  });
  return groups.length ? [element("h4", title), ...groups] : [];
}

function explain(verdict, isPreview) {
  const said = [explainStatus(verdict), ...listErrors(verdict.errors)].filter(Boolean).join(" ");
  return said || (isPreview ? "Invalid." : "Rejected.");
}

function explainStatus({ status, code, id, current_revision }) {
  if (status === 424) return "Not stored, because other entries were rejected.";
  if (status !== 409 || code === "revision_gap") return "";
  if (!id) return "Conflict: this entry_id occurs before in this file, with different content.";
  return (
    `Conflict: this entry_id is stored as entry ${id} with different content, which stays unchanged. ` +
    `To correct it, upload it with revision ${(current_revision ?? 1) + 1} and a reason.`
  );
}

// A table with the first entries. A button adds the others, in steps, so that the page stays responsive.
function showEntries(verdicts, chosen) {
  const titles = [verdicts[0].line ? "Line" : "Entry", ...Object.keys(CELLS)];
  const table = element("table", "", "entries");
  const head = table.createTHead().insertRow();
  for (const title of titles) {
    const cell = element("th", title, title === "Hours" ? "number" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  const addRows = (begin, end) => verdicts.slice(begin, end).forEach((verdict) => addRow(body, titles, verdict, chosen));
  addRows(0, SHOWN_ROWS);
  const framed = element("div", "", "table");
  framed.append(table);
  if (verdicts.length <= SHOWN_ROWS) return [framed];
  const button = element("button", `Show all ${formatCount(verdicts.length)}`, "quiet");
  button.type = "button";
  button.addEventListener("click", async () => {
    button.remove();
    for (let begin = SHOWN_ROWS; begin < verdicts.length; begin += ROWS_PER_STEP) {
      addRows(begin, begin + ROWS_PER_STEP);
      await new Promise((resolve) => setTimeout(resolve));
    }
  });
  return [framed, button];
}

function addRow(body, titles, { index, line, sheet, entry }, chosen) {
  const sent = entry ?? chosen.entries?.get(index) ?? {};
  const place = line ? `${sheet ? `${sheet}: ` : ""}${line}` : String(index + 1);
  const row = body.insertRow();
  [place, ...Object.values(CELLS).map((name) => sent[name] ?? "")].forEach((text, position) => {
    const cell = element("td", "", titles[position] === "Hours" ? "number" : "");
    cell.dataset.label = titles[position];
    cell.append(isolated(text));
    row.append(cell);
  });
  if (sent.text) row.cells[1].append(isolated(sent.text));
}

function formatCount(count) {
  return count.toLocaleString("en");
}

// 1 entry is, 2 entries are
function countEntries(count, one = "", many = "") {
  return count === 1 ? `1 entry ${one}`.trim() : `${formatCount(count)} entries ${many}`.trim();
}
