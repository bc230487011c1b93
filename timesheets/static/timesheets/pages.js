// What every page needs: times in the reader's zone, and buttons that copy.
"use strict";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SHORT_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG_DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
// As in a `data-day`: 2017-05-10.
const ISO_DAY = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" });
const COPIED_FOR_MS = 2000;

function setUpPage() {
  for (const time of document.querySelectorAll("time[data-show]")) time.textContent = showTime(time);
  for (const zone of document.querySelectorAll("[data-zone]")) zone.textContent = ZONE;
  for (const source of document.querySelectorAll("[data-copy]")) addCopyButton(source);
  addEventListener("beforeprint", nameSheets);
  document.addEventListener("click", download);
  linkPreviousPage();
}

// Of each printed sheet. A style sheet cannot know them.
function nameSheets() {
  const { style } = document.documentElement;
  style.setProperty("--title", JSON.stringify(document.title));
  style.setProperty("--printed", JSON.stringify(showMoment(new Date())));
}

function showTime(time) {
  const moment = new Date(time.dateTime);
  const clock = CLOCK.format(moment);
  if (time.dataset.show === "moment") return showMoment(moment);
  // The entry counts for its day, even where the reader's calendar shows the next one.
  return ISO_DAY.format(moment) === time.dataset.day ? clock : `${nameDay(SHORT_DAY, moment)}, ${clock}`;
}

function showMoment(moment) {
  return `${nameDay(LONG_DAY, moment)}, ${CLOCK.format(moment)}`;
}

// The month as the server writes it.
function nameDay(format, moment) {
  return format.format(moment).replace("Sept", "Sep");
}

// A cursor leads only forward, so the tab remembers from which page each next page is reached.
function linkPreviousPage() {
  const [next, previous] = ["next", "prev"].map((name) => document.querySelector(`.pages [rel=${name}]`));
  if (next) sessionStorage.setItem(next.href, location.href);
  const address = previous && sessionStorage.getItem(location.href);
  if (!address) return;
  previous.href = address;
  previous.hidden = false;
}

// `data-download` names a file with the rows of the list that the link leads to.
async function download(event) {
  const list = event.target.closest("[data-download]");
  if (!list) return;
  event.preventDefault();
  const response = await fetch(list.href, { headers: { Accept: "text/csv" } }).catch(() => null);
  if (!response?.ok) {
    // The page says what is wrong.
    location.assign(list.href);
    return;
  }
  const link = element("a");
  // Without the mark, Excel takes UTF-8 for another encoding.
  link.href = URL.createObjectURL(new Blob(["\ufeff", await response.blob()]));
  link.download = list.dataset.download;
  link.click();
}

// `data-copy` says what the button copies. Its text, without the spaces around it, is what is copied.
function addCopyButton(source) {
  const button = element("button", "Copy", "copy");
  button.type = "button";
  button.append(element("span", ` ${source.dataset.copy}`, "unseen"));
  button.addEventListener("click", () => copy(source, button));
  source.after(button);
}

async function copy(source, button) {
  const isCopied = await write(source);
  announce(isCopied ? `Copied ${source.dataset.copy}` : "This browser does not let the page copy. Select the text instead.");
  if (!isCopied) return;
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), COPIED_FOR_MS);
}

async function write(source) {
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    return true;
  } catch {
    // Without HTTPS there is no clipboard API.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

// Tell a screen reader.
function announce(text) {
  document.getElementById("announcement").textContent = text;
}

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

setUpPage();
