// The forms of the upload page. They send what a program would send, to the API's own address.
"use strict";

const ENTRY_FIELDS = ["user_id", "date", "project", "hours"];
const LOST = "This did not finish, so it may or may not be stored.";
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

function showFieldError(form, name, texts) {
  if (!texts) return;
  const error = document.getElementById(`${name}-error`);
  error.textContent = texts.join(" ");
  error.hidden = false;
  document.getElementById(name).setAttribute("aria-invalid", "true");
  form.querySelector("[aria-invalid]").focus();
}

function forgetErrors(form) {
  for (const place of form.querySelectorAll(".outcome, .failure")) place.replaceChildren();
  for (const error of form.querySelectorAll(".error")) error.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function say(form, kind, text) {
  const line = element("p", text, kind);
  form.querySelector(".outcome").append(line);
  return line;
}

function showProblem(form, place, answer) {
  const line = element("p", answer.detail, "error");
  if (answer.status === 401) {
    line.textContent = "You are signed out. ";
    const link = makeLink(form.dataset.signIn, "Sign in again");
    // What was chosen or typed stays here.
    link.target = "_blank";
    line.append(link, " in a new tab, then come back.");
  }
  place.append(line, ...listErrors(answer.errors).map((text) => element("p", text, "error")));
}

// Requests

// The API's answer; null if there was none, so that the API may have stored what was sent. `onProgress` gets the share of the body that was sent, from 0 to 1.
async function send(form, request) {
  const response = await sendOnce(form, request);
  if (response?.answer.code !== "csrf_failed") return response;
  // Somebody has signed in since this page was opened, in another tab.
  const asPage = { headers: { Accept: "text/html" } };
  const fresh = await fetch(location.href, asPage).then((page) => page.text()).catch(() => "");
  const token = new DOMParser().parseFromString(fresh, "text/html").querySelector("[name=csrfmiddlewaretoken]");
  if (!token) return response;
  for (const field of document.getElementsByName("csrfmiddlewaretoken")) field.value = token.value;
  return sendOnce(form, request);
}

function sendOnce(form, { type, body, parameters = {}, isZipped = false, onProgress = () => {} }) {
  const query = new URLSearchParams(parameters).toString();
  const request = new XMLHttpRequest();
  request.open("POST", query ? `${form.dataset.address}?${query}` : form.dataset.address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", type);
  request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
  if (isZipped) request.setRequestHeader("Content-Encoding", "gzip");
  const stop = form.querySelector(".stop");
  if (stop) stop.onclick = () => request.abort();
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded / total));
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve(readResponse(request)));
    request.send(body);
  });
}

function readResponse(request) {
  // Empty after a failure, and HTML from a proxy.
  const answer = readJson(request.responseText);
  if (!answer) return null;
  return {
    status: request.status,
    ok: request.status < 300,
    answer,
    isReplay: request.getResponseHeader("Idempotency-Replayed") === "true",
    receipt: request.getResponseHeader("Location"),
  };
}

setUpUpload();
