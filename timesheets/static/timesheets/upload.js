// The forms of the upload page. They send what a program would send, to the API's own address.
"use strict";

const PREVIEW_WORDS = { problems: "With problems", created: "New", existing: "Already stored" };
const RESULT_WORDS = { problems: "Rejected", created: "Stored", existing: "Already stored" };

function setUpUpload() {
  const one = document.getElementById("upload-one");
  one.addEventListener("submit", (event) => submitOne(event, one));
  document.getElementById("new-entry").addEventListener("click", () => beginNewEntry(one));
  setUpFile(document.getElementById("upload-file"));
}

// One entry

async function submitOne(event, form) {
  event.preventDefault();
  const [fieldset] = form.getElementsByTagName("fieldset");
  if (fieldset.disabled) return;
  const entry = identify(form);
  const focused = document.activeElement;
  forgetErrors(form);
  fieldset.disabled = true;
  const response = await send(form, { type: "application/json", body: JSON.stringify(entry) });
  fieldset.disabled = false;
  // A disabled field has lost the focus.
  focused.focus();
  if (response) showOne(form, entry, response);
  else say(form, "error", `${LOST} Press "Upload entry" again: the entry is not stored twice.`);
}

// The entry with an id. The same content keeps its id, so that it is stored once, however often it is sent.
function identify(form) {
  const fields = new FormData(form);
  const content = Object.fromEntries(ENTRY_FIELDS.map((name) => [name, fields.get(name)]));
  const written = JSON.stringify(content);
  if (form.dataset.content !== written || !form.elements.entry_id.value) {
    form.dataset.content = written;
    form.elements.entry_id.value = makeEntryId();
  }
  return { ...content, entry_id: form.elements.entry_id.value };
}

function makeEntryId() {
  // Browsers have randomUUID only on https pages and on this machine's own.
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function showOne(form, entry, { ok, answer, isReplay }) {
  if (!ok) {
    for (const name of ENTRY_FIELDS) showFieldError(form, name, answer.errors?.[name]);
    if (!answer.errors) showProblem(form, form.querySelector(".outcome"), answer);
    return;
  }
  const line = say(form, "done", isReplay ? `Already stored as entry ${answer.id}, nothing was stored again. ` : `Stored entry ${answer.id}: `);
  if (isReplay) line.append('To add an equal entry, press "New entry" first.');
  else line.append(`${Number(entry.hours).toFixed(2)} hours of employee `, isolated(entry.user_id.trim()), ".");
  if (form.dataset.entries) line.append(" ", makeLink(`${form.dataset.entries}/${answer.id}`, "View entry"));
}

// People enter several entries of a person or a day in a row.
function beginNewEntry(form) {
  form.elements.entry_id.value = "";
  form.elements.project.value = "";
  form.elements.hours.value = "";
  forgetErrors(form);
  form.elements.project.focus();
}

setUpUpload();
