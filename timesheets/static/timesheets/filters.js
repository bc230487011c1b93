// An empty field is no filter.
"use strict";

document.querySelector("form.filters")?.addEventListener("formdata", leaveOutEmpty);

function leaveOutEmpty(event) {
  for (const [name, value] of [...event.formData]) {
    if (value.trim() === "") event.formData.delete(name);
  }
}
