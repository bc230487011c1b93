// Show what became of the entries of a file, and offer those that were rejected as a file.
"use strict";

function showResult(form, { answer, receipt }) {
  const { chosen } = form;
  const sorted = sortVerdicts(answer, chosen.records);
  const outcome = form.querySelector(".outcome");
  outcome.replaceChildren(heading("Result of ", chosen));
  outcome.append(element("p", conclude(answer, sorted), sorted.problems.length ? "notice wrong" : "notice good"));
  outcome.append(showCounts(sorted, RESULT_WORDS));
  if (sorted.problems.length) outcome.append(...showRejected(form, sorted.problems));
  for (const kind of ["created", "existing"]) {
    if (sorted[kind].length) outcome.append(disclose(`${RESULT_WORDS[kind]}: ${countEntries(sorted[kind].length)}`, showVerdicts(sorted[kind], form, false)));
  }
  if (receipt && form.dataset.entries) outcome.append(makeLink(receipt, "View receipt"));
  form.chosen = null;
  showStep(form, { isPreview: false });
  outcome.querySelector("h3").focus();
}

function conclude(answer, { problems, created }) {
  if (answer.code === "batch_refused") return "Nothing was stored, because some entries were rejected.";
  const stored = `${countEntries(created.length, "was", "were")} stored`;
  return problems.length ? `${stored}, ${formatCount(problems.length)} ${problems.length === 1 ? "was" : "were"} rejected.` : `${stored}.`;
}

function showRejected(form, problems) {
  const { chosen } = form;
  const shown = [element("h4", "Rejected"), showVerdicts(problems, form, false)];
  if (problems.some(({ record }) => !record)) return shown;
  const file = writeRecords(chosen, problems.map(({ record }) => record));
  const count = problems.length;
  const link = makeLink(URL.createObjectURL(file), `Download ${formatCount(count)} rejected ${count === 1 ? "entry" : "entries"}`);
  link.className = "button quiet";
  link.download = nameRejectedFile(chosen);
  const advice = element("p", "Correct them in this file, then upload it: ", "hint");
  advice.append(link);
  return [...shown, advice];
}

function disclose(summary, content) {
  const details = element("details");
  details.append(element("summary", summary), content);
  return details;
}
