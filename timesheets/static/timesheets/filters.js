// The form of a list: fields for several values, a last day that is included, and no empty fields.
"use strict";

function setUpFilters() {
  document.querySelector("form.filters")?.addEventListener("formdata", sendFilters);
  for (const button of document.querySelectorAll(".values button")) {
    button.hidden = false;
    button.addEventListener("click", () => addField(button));
  }
}

function sendFilters(event) {
  const fields = event.formData;
  // The API's `date_to` is the first day that is not included.
  if (fields.get("last_day")) fields.set("date_to", findNextDay(fields.get("last_day")));
  fields.delete("last_day");
  const [first, end] = fields.get("period")?.split("/") ?? [];
  if (first) fields.set("date_from", first);
  if (end) fields.set("date_to", end);
  fields.delete("period");
  for (const name of new Set(fields.keys())) {
    const values = fields.getAll(name).filter((value) => value.trim() !== "");
    fields.delete(name);
    for (const value of values) fields.append(name, value);
  }
}

function findNextDay(day) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

function addField(button) {
  const group = button.closest(".values");
  const fields = group.querySelectorAll("input");
  const last = fields[fields.length - 1];
  const field = last.cloneNode();
  field.removeAttribute("id");
  field.value = "";
  field.ariaLabel = `${group.querySelector("label").textContent} ${fields.length + 1}`;
  last.after(field);
  field.focus();
}

setUpFilters();
