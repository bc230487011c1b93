// Show what became of the entries of a file, and offer those that were rejected as a file.
"use strict";

function showResult(form, { answer, receipt }) {
  const { chosen } = form;
  const sorted = sortVerdicts(answer);
  const outcome = form.querySelector(".outcome");
  outcome.replaceChildren(heading("Result of ", chosen));
  outcome.append(element("p", conclude(answer, sorted), sorted.problems.length ? "notice wrong" : "notice good"));
  outcome.append(showCounts(sorted, RESULT_WORDS), ...showProblems("Rejected", sorted.problems, chosen, false));
  if (receipt && form.dataset.entries) {
    if (sorted.problems.length) outcome.append(offerRejected(receipt, chosen));
    outcome.append(makeLink(receipt, "View receipt"));
  }
  form.chosen = null;
  showStep(form, { isPreview: false });
  outcome.querySelector("h3").focus();
}

function conclude(answer, { problems, created }) {
  if (answer.code === "batch_refused") return "Nothing was stored, because some entries were rejected.";
  const stored = `${countEntries(created.length, "was", "were")} stored`;
  return problems.length ? `${stored}, ${formatCount(problems.length)} ${problems.length === 1 ? "was" : "were"} rejected.` : `${stored}.`;
}

// The receipt keeps them as CSV that can be corrected and uploaded.
function offerRejected(receipt, chosen) {
  const advice = element("p", "Correct them in this file, then upload it: ", "hint");
  const link = makeLink(`${receipt}/rejections?page_size=1000`, "Download rejected entries");
  link.className = "button quiet";
  link.dataset.download = `${chosen.name.replace(/\.\w+(\.gz)?$/, "") || "pasted"}.rejected.csv`;
  advice.append(link);
  return advice;
}
