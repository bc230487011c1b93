// The form of an entry's page. It sends the next revision, so that of two people who correct at once, the second learns it.
"use strict";

async function correct(event) {
  event.preventDefault();
  const { target: form, submitter: button } = event;
  const [fieldset] = form.getElementsByTagName("fieldset");
  const isWithdrawal = button.value === "withdraw";
  forgetErrors(form);
  if (!isWithdrawal && ENTRY_FIELDS.every((name) => !isChanged(form.elements[name]))) {
    showFieldError(form, "hours", ["Nothing has changed yet. Change the hours or another value."]);
    return;
  }
  const body = JSON.stringify(describeRevision(form, isWithdrawal));
  fieldset.disabled = true;
  const response = await send(form, { type: "application/json", body });
  fieldset.disabled = false;
  // A disabled button has lost the focus.
  button.focus();
  if (response?.ok) location.assign(`${form.dataset.entries}/${response.answer.id}#stored`);
  else if (response) showRefusal(form, response.answer);
  else say(form, "error", `${LOST} Press "${button.textContent}" again: nothing is stored twice.`);
}

function isChanged(field) {
  return field.value !== field.defaultValue;
}

function describeRevision({ elements, dataset }, isWithdrawal) {
  const entry = { entry_id: dataset.entryId, revision: Number(dataset.revision) + 1, reason: elements.reason.value };
  for (const name of ENTRY_FIELDS) entry[name] = isWithdrawal ? elements[name].defaultValue : elements[name].value;
  // The exact date, which may have a time of day.
  if (isWithdrawal || !isChanged(elements.date)) entry.date = dataset.date;
  if (isWithdrawal) entry.hours = 0;
  return entry;
}

function showRefusal(form, answer) {
  if (answer.code !== "conflict") {
    for (const name of [...ENTRY_FIELDS, "reason"]) showFieldError(form, name, answer.errors?.[name]);
    if (!form.querySelector("[aria-invalid]")) showProblem(form, form.querySelector(".outcome"), answer);
    return;
  }
  form.dataset.revision = answer.current_revision;
  const line = say(form, "error", "Somebody else has corrected this entry since this page was opened, so nothing was stored. Look at ");
  const link = makeLink(`${form.dataset.entries}/${answer.id}`, `revision ${answer.current_revision}`);
  // What was typed stays here.
  link.target = "_blank";
  line.append(link, " in a new tab. To replace it with what you typed, press the button again.");
}

document.getElementById("correct").addEventListener("submit", correct);
