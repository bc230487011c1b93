// The forms of the upload page send their content as a program does, to the API.
"use strict";

const MEANINGS = {
  200: "already there",
  201: "created",
  403: "not allowed",
  409: "an entry with this entry_id and different content exists and stays unchanged",
  422: "invalid entry",
  424: "held back because another entry was rejected",
};

function setUp() {
  const one = document.getElementById("upload-one");
  const many = document.getElementById("upload-many");
  one?.addEventListener("submit", (event) => submit(event, sendOne));
  many?.addEventListener("submit", (event) => submit(event, sendMany));
}

async function submit(event, send) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  forgetOutcome(form);
  button.disabled = true;
  try {
    await send(form);
  } catch {
    say(form, "error", "There was no response, so this may or may not be stored. Check the entries before you send it again.");
  } finally {
    button.disabled = false;
  }
}

async function sendOne(form) {
  const fields = new FormData(form);
  const names = ["user_id", "date", "project", "hours"];
  const entry = Object.fromEntries(names.map((name) => [name, fields.get(name)]));
  const [response, answer] = await post(form, "application/json", JSON.stringify(entry), keyOf(form, entry));
  if (response.ok) {
    say(form, "done", answer.message);
    link(form, `/timesheets/${answer.id}`, "View entry");
    delete form.dataset.key;
  } else {
    for (const name of names) showError(form, name, answer.errors?.[name]);
    if (!answer.errors) say(form, "error", answer.detail);
  }
}

async function sendMany(form) {
  const fields = new FormData(form);
  if (fields.get("entries").trim() === "") {
    showError(form, "entries", ["Paste entries here."]);
    return;
  }
  const [response, answer] = await post(form, fields.get("format"), fields.get("entries"), null);
  if (answer.message) {
    say(form, "done", answer.message);
  } else if (answer.received === undefined) {
    showError(form, "entries", [answer.detail, ...flatten(answer.errors)]);
  } else {
    showVerdicts(form, answer, response.headers.get("Location"));
  }
}

// If there was no response and the same entry is sent again, it has the same key and is stored once.
function keyOf(form, entry) {
  const content = JSON.stringify(entry);
  if (form.dataset.content !== content || !form.dataset.key) {
    form.dataset.content = content;
    form.dataset.key = crypto.randomUUID?.() ?? "";
  }
  return form.dataset.key || null;
}

async function post(form, contentType, body, key) {
  const fields = new FormData(form);
  const address = new URL(form.dataset.address, location.href);
  for (const name of ["atomic", "dry_run"]) {
    if (fields.has(name)) address.searchParams.set(name, "true");
  }
  const headers = {
    Accept: "application/json",
    "Content-Type": contentType,
    "X-CSRFToken": fields.get("csrfmiddlewaretoken"),
  };
  if (key) headers["Idempotency-Key"] = key;
  const response = await fetch(address, { method: "POST", headers, body });
  const answer = await response.json();
  if (response.status === 401) answer.detail = "You are signed out. Sign in again.";
  return [response, answer];
}

function showVerdicts(form, answer, receipt) {
  const counts = `${answer.received} received: ${answer.created} created, ${answer.existing} already there, ${answer.rejected} rejected.`;
  say(form, answer.rejected ? "error" : "done", answer.dry_run ? `${counts} Nothing was stored.` : counts);
  if (answer.code) say(form, "error", answer.detail);
  if (receipt) link(form, receipt, "View receipt");
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const title of ["Entry", "Verdict", "Id"]) head.append(element("th", title));
  const body = table.createTBody();
  for (const entry of answer.entries) {
    const row = body.insertRow();
    row.append(element("td", String(entry.index + 1)), describe(entry), element("td", String(entry.id ?? "")));
  }
  const frame = element("div");
  frame.className = "table";
  frame.append(table);
  form.querySelector(".outcome").append(frame);
}

function describe(entry) {
  const cell = element("td", `${entry.status} ${explain(entry)}`);
  cell.className = `verdict-${entry.status}`;
  for (const line of flatten(entry.errors)) cell.append(element("br"), line);
  return cell;
}

function explain(entry) {
  if (entry.superseded_by) return `already there, but superseded by timesheet ${entry.superseded_by}`;
  return entry.code === "revision_gap" ? "a revision is missing" : (MEANINGS[entry.status] ?? "");
}

function flatten(errors) {
  return Object.entries(errors ?? {}).map(([name, texts]) => `${name === "non_field_errors" ? "" : `${name}: `}${texts.join(" ")}`);
}

function forgetOutcome(form) {
  form.querySelector(".outcome").replaceChildren();
  for (const error of form.querySelectorAll(".error")) error.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function showError(form, name, texts) {
  if (!texts) return;
  const error = document.getElementById(`${name}-error`);
  error.textContent = texts.join(" ");
  error.hidden = false;
  const field = form.elements[name];
  field.setAttribute("aria-invalid", "true");
  form.querySelector("[aria-invalid]").focus();
}

function say(form, kind, text) {
  const line = element("p", text);
  line.className = kind;
  form.querySelector(".outcome").append(line);
}

function link(form, address, text) {
  const anchor = element("a", text);
  anchor.href = address;
  form.querySelector(".outcome").append(anchor);
}

setUp();
