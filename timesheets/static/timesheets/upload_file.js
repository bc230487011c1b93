// Upload a file in two steps, as it is: a preview by a dry run, then the upload itself.
"use strict";

const SUFFIXES = {
  csv: "text/csv",
  tsv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  json: "application/json",
};
const TABLES = [SUFFIXES.csv, SUFFIXES.xlsx];
const [GZIP, ZIP] = ["\x1f\x8b", "PK\x03\x04"];
// The first date of a text, and what each choice makes of it.
const WRITTEN_DATE = /\b(\d{4})-(\d\d)-(\d\d)\b|\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b/;
const READINGS = { iso: ["ISO", [1, 2, 3]], dmy: ["Day first", [6, 5, 4]], mdy: ["Month first", [6, 4, 5]] };

function setUpFile(form) {
  const input = document.getElementById("file");
  const drop = form.querySelector(".drop");
  input.addEventListener("change", () => choose(form, "file", [...input.files]));
  document.getElementById("preview-text").addEventListener("click", () => chooseText(form));
  form.querySelector(".restart").addEventListener("click", () => startAgain(form));
  form.querySelector(".reading").addEventListener("change", () => form.chosen && preview(form, "file"));
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
  const [file] = files;
  const limit = Number(form.dataset.maxBytes);
  if (file.size > limit) {
    showFieldError(form, field, [`The file has more than ${limit / 1024 / 1024} MB. Split it, or compress it with gzip.`]);
    return;
  }
  try {
    form.chosen = await readChosenFile(file);
  } catch {
    showFieldError(form, field, ["The file cannot be read. Is it a folder, or was it moved or changed? Choose it again."]);
    return;
  }
  showReadings(form);
  await preview(form, field);
}

async function readChosenFile(file) {
  const body = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(body);
  const isZipped = beginsWith(body, GZIP);
  return { name: file.name, body, isZipped, text: isZipped ? "" : text, type: recognizeType(file.name, body, text) };
}

function beginsWith(bytes, begin) {
  return [...begin].every((character, position) => bytes[position] === character.charCodeAt(0));
}

// By the name, and by the beginning of the text if the name says nothing.
function recognizeType(name, body, text) {
  const suffix = name.toLowerCase().match(/\.(\w+)(?:\.gz)?$/)?.[1];
  if (SUFFIXES[suffix]) return SUFFIXES[suffix];
  if (beginsWith(body, ZIP)) return SUFFIXES.xlsx;
  const first = text.match(/[^\s\ufeff]/)?.[0];
  if (first === "{") return readJson(text) === undefined ? SUFFIXES.ndjson : SUFFIXES.json;
  return first === "[" ? SUFFIXES.json : SUFFIXES.csv;
}

// Only tables have dates that can be written in several ways.
function showReadings(form) {
  const { type, text } = form.chosen;
  const found = TABLES.includes(type) && text.match(WRITTEN_DATE);
  for (const option of form.elements.date_format.options) {
    const [label, places] = READINGS[option.value];
    const [year, month, day] = places.map((place) => Number(found?.[place]));
    const date = new Date(year, month - 1, day);
    const isRead = date.getMonth() === month - 1 && date.getDate() === day;
    const example = isRead ? `${found[0]} is ${LONG_DAY.format(date)}` : option.dataset.example;
    option.textContent = `${label}: ${example}`;
  }
}

async function preview(form, field) {
  forgetErrors(form);
  const response = await sendFile(form, "Checking", { dry_run: "true" }, "check");
  if (response?.answer.received !== undefined) {
    showPreview(form, response.answer);
    return;
  }
  showStep(form, { isPreview: false });
  if (!response) showFieldError(form, field, ["The check did not finish. Nothing was stored. Try again."]);
  else if (response.answer.status === 401) {
    const again = element("button", "Preview again");
    again.type = "button";
    again.addEventListener("click", () => preview(form, field));
    const failure = form.querySelector(".failure");
    showProblem(form, failure, response.answer);
    failure.append(again);
  } else showFieldError(form, field, [response.answer.detail, ...listErrors(response.answer.errors)]);
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
  else failure.append(element("p", `${LOST} Look at "Entries" before you upload it again: entries without an entry_id could be stored twice.`, "error"));
  form.querySelector(".store").focus();
}

// The response, with its answer in the form of an answer to many entries; null if there was none.
async function sendFile(form, doing, parameters, preference) {
  const { type, body, isZipped } = form.chosen;
  const { date_format, time_zone } = form.elements;
  const reading = TABLES.includes(type) ? { date_format: date_format.value, time_zone: time_zone.value } : {};
  showProgress(form, `${doing} `, isolated(nameOf(form.chosen)), "…");
  const onProgress = (share) => showShare(form, share);
  const response = await send(form, { type, body, parameters: { ...reading, ...parameters }, preference, isZipped, onProgress });
  showProgress(form);
  return response && { ...response, answer: answerAsMany(response) };
}

// The answer to a file with a single JSON object has another form.
function answerAsMany({ ok, answer, isReplay }) {
  const isVerdict = ok || ["invalid_entry", "conflict", "revision_gap"].includes(answer.code);
  if (answer.received !== undefined || !isVerdict) return answer;
  const stored = isReplay ? 200 : 201;
  return { received: 1, check: answer.check, entries: [{ ...answer, index: 0, status: ok ? stored : answer.status }] };
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
  const sorted = sortVerdicts(answer);
  chosen.created = sorted.created.length;
  // The answer to the upload itself does not repeat them.
  chosen.entries = new Map(sorted.problems.map(({ index, entry }) => [index, entry]));
  form.querySelector(".findings").replaceChildren(heading("Preview of ", chosen), element("p", summarize(sorted)), showCounts(sorted, PREVIEW_WORDS), ...showDoubts(answer.check));
  form.querySelector(".listed").replaceChildren(...showProblems("Problems", sorted.problems, chosen, true));
  const button = form.querySelector(".store");
  button.textContent = `Upload ${countEntries(chosen.created)}`;
  button.hidden = form.elements.atomic.closest("label").hidden = !chosen.created;
  showConfirmation(form);
  showStep(form, { isPreview: true });
  form.querySelector(".findings h3").focus();
}

function summarize({ problems, created, existing }) {
  if (problems.length && !created.length) return "There is nothing to upload until the problems are solved.";
  if (!created.length && !existing.length) return "There are no entries in it.";
  if (!created.length) return `There is nothing to upload: ${countEntries(existing.length, "is", "are")} stored already.`;
  return `${countEntries(created.length)} would be stored. Nothing is stored yet. Each upload stores entries without an entry_id again.`;
}

// A file that was uploaded before needs a confirmation, because the page does not know which of its entries have an id.
function showConfirmation(form) {
  const { chosen } = form;
  const time = recallUpload(chosen);
  const label = form.querySelector(".again");
  const isNeeded = Boolean(time && chosen.created);
  label.hidden = !isNeeded;
  form.elements.again.required = isNeeded;
  form.elements.again.checked = false;
  label.querySelector("span").textContent =
    `This file was sent before (${time}). Entries without an entry_id could be stored twice. Upload it again all the same.`;
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
