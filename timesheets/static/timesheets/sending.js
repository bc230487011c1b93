// Send what a form holds to the API, as a program would, and say what is wrong where it was typed.
"use strict";

const ENTRY_FIELDS = ["user_id", "date", "project", "hours"];
const LOST = "This did not finish, so it may or may not be stored.";

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

function sendOnce(form, { type, body, parameters = {}, preference, isZipped = false, onProgress = () => {} }) {
  const query = new URLSearchParams(parameters).toString();
  const request = new XMLHttpRequest();
  request.open("POST", query ? `${form.dataset.address}?${query}` : form.dataset.address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", type);
  request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
  if (preference) request.setRequestHeader("Prefer", preference);
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

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// What the API says

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

// DRF's errors, one text per member.
function listErrors(errors) {
  return Object.entries(errors ?? {}).map(([name, texts]) => `${name === "non_field_errors" ? "" : `${name}: `}${texts.join(" ")}`);
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
