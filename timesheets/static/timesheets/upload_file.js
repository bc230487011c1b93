// Upload a file in two steps: a preview by a dry run, then the upload itself.
"use strict";

function setUpFile(form) {
  const input = document.getElementById("file");
  const drop = form.querySelector(".drop");
  input.addEventListener("change", () => choose(form, "file", [...input.files]));
  document.getElementById("preview-text").addEventListener("click", () => chooseText(form));
  form.querySelector(".restart").addEventListener("click", () => startAgain(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.chosen) uploadFile(form);
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") choose(form, "file", [...event.dataTransfer.files]);
    });
  }
}

function chooseText(form) {
  const text = form.elements.entries.value;
  if (text.trim()) choose(form, "entries", [new File([text], "")]);
  else showFieldError(form, "entries", ["Paste entries here."]);
}

// `field` is where the file comes from, and where its errors are shown.
async function choose(form, field, files) {
  // Something may be dropped while another file is sent.
  if (form.querySelector(".choosing").disabled) return;
  forgetErrors(form);
  document.getElementById("file").value = "";
  if (files.length > 1) showFieldError(form, field, ["Choose one file at a time."]);
  if (files.length !== 1) return;
  const limits = { bytes: Number(form.dataset.maxBytes), unzippedBytes: Number(form.dataset.maxUnzippedBytes) };
  showProgress(form, "Reading the file…");
  try {
    form.chosen = await readChosenFile(files[0], limits);
    await preview(form, field);
  } catch (error) {
    showProgress(form);
    if (!(error instanceof UnusableFile)) throw error;
    showFieldError(form, field, [error.message]);
  }
}

async function preview(form, field) {
  const response = await sendFile(form, "Checking", { dry_run: "true" });
  if (!response) {
    showFieldError(form, field, ["There was no answer. Nothing was stored. Try again."]);
  } else if (response.answer.received !== undefined) {
    Object.assign(form.chosen, splitRecords(form.chosen));
    showPreview(form, response.answer);
  } else if (response.answer.status === 401) {
    showProblem(form, form.querySelector(".failure"), response.answer);
  } else {
    showFieldError(form, field, [response.answer.detail, ...listErrors(response.answer.errors)]);
  }
}

async function uploadFile(form) {
  const { chosen } = form;
  forgetErrors(form);
  const label = chosen.name.replace(/[^A-Za-z0-9._:-]/g, "-").slice(0, 128);
  const parameters = { ...(label && { label }), ...(form.elements.atomic.checked && { atomic: "true" }) };
  const response = await sendFile(form, "Uploading", parameters);
  // A server that failed may have stored the entries, too.
  if (!response || response.status >= 500 || response.ok) rememberUpload(chosen);
  if (response && response.answer.received !== undefined) {
    showResult(form, response);
    return;
  }
  showConfirmation(form);
  const failure = form.querySelector(".failure");
  if (response) showProblem(form, failure, response.answer);
  else failure.append(element("p", `${LOST} ${adviseOnRepeat(chosen)}`, "error"));
  form.querySelector(".store").focus();
}

// The response, with its answer in the form of an answer to many entries; null if there was none.
async function sendFile(form, doing, parameters) {
  const { format, body, isZipped } = form.chosen;
  showProgress(form, `${doing} `, isolated(nameOf(form.chosen)), "…");
  const onProgress = (share) => showShare(form, share);
  const response = await send(form, { type: format.mediaType, body, parameters, isZipped, onProgress });
  showProgress(form);
  return response && { ...response, answer: answerAsMany(response) };
}

// The answer to a file with a single JSON object has another form.
function answerAsMany({ ok, answer, isReplay }) {
  const isVerdict = ok || ["invalid_entry", "conflict", "revision_gap"].includes(answer.code);
  if (answer.received !== undefined || !isVerdict) return answer;
  const stored = isReplay ? 200 : 201;
  return { received: 1, entries: [{ ...answer, index: 0, status: ok ? stored : answer.status }] };
}

// What is being done; nothing once it is done.
function showProgress(form, ...doing) {
  const isBusy = doing.length > 0;
  form.querySelector(".doing").replaceChildren(...doing);
  form.querySelector(".sending").hidden = !isBusy;
  form.querySelector(".share").textContent = "";
  form.querySelector("progress").removeAttribute("value");
  for (const fieldset of form.querySelectorAll("fieldset")) fieldset.disabled = isBusy;
}

function showShare(form, share) {
  const progress = form.querySelector("progress");
  // Once everything is sent, nobody knows how long the API takes.
  if (share < 1) progress.value = share * 100;
  else progress.removeAttribute("value");
  form.querySelector(".share").textContent = `${Math.floor(share * 100)}% sent`;
}

// The preview

function showPreview(form, answer) {
  const { chosen } = form;
  const sorted = sortVerdicts(answer, chosen.records);
  chosen.created = sorted.created;
  const warnings = listWarnings(sorted).map((text) => element("p", text, "notice"));
  const counts = showCounts(sorted, PREVIEW_WORDS);
  form.querySelector(".findings").replaceChildren(heading("Preview of ", chosen), element("p", summarize(sorted)), ...warnings, counts);
  form.querySelector(".listed").replaceChildren(...listFindings(sorted, form));
  const button = form.querySelector(".store");
  button.textContent = `Upload ${countEntries(sorted.created.length)}`;
  button.hidden = form.elements.atomic.closest("label").hidden = !sorted.created.length;
  showConfirmation(form);
  showStep(form, { isPreview: true });
  form.querySelector(".findings h3").focus();
}

function listFindings({ problems, created }, form) {
  const isKnown = created.length && addHours(created) !== null;
  return [
    ...(problems.length ? [element("h4", "Problems"), showVerdicts(problems, form, true)] : []),
    ...(isKnown ? [element("h4", "New hours by employee"), showPeople(created)] : []),
  ];
}

function summarize({ problems, created, existing }) {
  if (problems.length && !created.length) return "There is nothing to upload until the problems are solved.";
  if (!created.length && !existing.length) return "There are no entries in it.";
  if (!created.length) return `There is nothing to upload: ${countEntries(existing.length, "is", "are")} stored already.`;
  const hours = addHours(created);
  const people = new Set(created.map(({ record }) => String(record?.members.user_id).trim())).size;
  const details = hours === null ? "" : `: ${formatHours(hours)} hours of ${formatCount(people)} ${people === 1 ? "employee" : "employees"}`;
  return `${countEntries(created.length)} would be stored${details}. Nothing is stored yet.`;
}

function listWarnings({ created, existing }) {
  const superseded = existing.filter((verdict) => verdict.superseded_by).length;
  const corrections = created.filter(({ record }) => Number(record?.members.revision) > 1).length;
  return [
    superseded && `${countEntries(superseded, "is", "are")} stored already, but corrected since then. The correction counts.`,
    corrections && `${countEntries(corrections, "corrects", "correct")} an earlier revision, whose hours no longer count.`,
    warnOfRepeats(created),
  ].filter(Boolean);
}

function warnOfRepeats(created) {
  if (created.some(({ record }) => !record)) {
    return "This browser cannot read the entries of the file. If they have no entry_id, each upload stores them again.";
  }
  const count = countUnidentified(created);
  if (!count) return "";
  return (
    `${countEntries(count, "has", "have")} no entry_id, so each upload of this file stores ${count === 1 ? "it" : "them"} again. ` +
    "Some browsers repeat an upload by themselves after a broken connection."
  );
}

function countUnidentified(verdicts) {
  return verdicts.filter(({ record }) => !record?.members.entry_id).length;
}

// Entries without an entry_id are stored by each upload. So a file that was uploaded before needs a confirmation.
function showConfirmation(form) {
  const { chosen } = form;
  const time = recallUpload(chosen);
  const unidentified = countUnidentified(chosen.created);
  const label = form.querySelector(".again");
  const isNeeded = Boolean(time && unidentified);
  label.hidden = !isNeeded;
  form.elements.again.required = isNeeded;
  form.elements.again.checked = false;
  label.querySelector("span").textContent =
    `This file was sent before (${time}). ${countEntries(unidentified, "has", "have")} no entry_id and could be stored twice. Upload it again all the same.`;
}

function adviseOnRepeat(chosen) {
  if (!countUnidentified(chosen.created)) return "Press the button again: what is stored already is not stored twice.";
  return 'Look at "Entries" before you upload it again: entries without an entry_id could be stored twice.';
}

function startAgain(form) {
  form.chosen = null;
  forgetErrors(form);
  showStep(form, { isPreview: false });
  document.getElementById("file").focus();
}

function showStep(form, { isPreview }) {
  form.querySelector(".choosing").hidden = isPreview;
  form.querySelector(".previewing").hidden = !isPreview;
  if (!isPreview) form.querySelector(".listed").replaceChildren();
}

function heading(text, chosen) {
  const made = element("h3", text);
  made.append(isolated(nameOf(chosen)));
  made.tabIndex = -1;
  return made;
}

function nameOf({ name }) {
  return name || "pasted text";
}

// What this tab has uploaded

function rememberUpload(chosen) {
  sessionStorage.setItem(`upload:${fingerprint(chosen.body)}`, new Date().toISOString());
}

function recallUpload(chosen) {
  const time = sessionStorage.getItem(`upload:${fingerprint(chosen.body)}`);
  return time && `${LONG_DAY.format(new Date(time))}, ${CLOCK.format(new Date(time))}`;
}

// FNV-1a. The browser's own digests exist only on https pages, and two files with one fingerprint only cause a question.
function fingerprint(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length}:${hash >>> 0}`;
}
