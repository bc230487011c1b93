// Read the file that a person chose: recognize its format, split it into records as the API does, and write
// some of its records to a new file. Knows no page.
"use strict";

const FORMATS = {
  csv: { mediaType: "text/csv", unit: "Row", split: splitCsv, join: (raw, header) => header + raw.join("") },
  ndjson: { mediaType: "application/x-ndjson", unit: "Line", split: splitLines, join: (raw) => raw.join("") },
  json: { mediaType: "application/json", unit: "Entry", split: splitArray, join: (raw) => `[\n${raw.join(",\n")}\n]\n` },
};
const SAVE_AS_CSV = 'Save it as "CSV UTF-8 (Comma delimited)", and choose the new file.';
// The first bytes of files that look like a table to a person and not to the API.
const FOREIGN_FILES = [
  { begin: [0x50, 0x4b, 0x03, 0x04], text: "This is a workbook, such as .xlsx, or a ZIP file." },
  { begin: [0xd0, 0xcf, 0x11, 0xe0], text: "This is an Excel workbook (.xls)." },
  { begin: [0xff, 0xfe], text: "This text is in UTF-16." },
  { begin: [0xfe, 0xff], text: "This text is in UTF-16." },
];
const GZIP = [0x1f, 0x8b];

// A cell in quotes, which may contain commas, line breaks and doubled quotes (RFC 4180, section 2).
const QUOTED = '"[^"]*(?:""[^"]*)*';
// A line at whose end the last cell is still open.
const OPEN_LINE = new RegExp(`^(?:(?:${QUOTED}"|[^",\\r\\n][^,\\r\\n]*)?,)*${QUOTED}$`);
const CELL = new RegExp(`(?:(${QUOTED}")|([^,]*))(?:,|$)`, "g");
const JSON_MARK = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/gs;

// The message says what is wrong with the file, and what to do.
class UnusableFile extends Error {}

// The file's format, its bytes and its text: empty if it cannot be read here. Throws UnusableFile.
async function readChosenFile(file, limits) {
  if (file.size > limits.bytes) {
    throw new UnusableFile(`The file has ${megabytes(file.size)}, and ${megabytes(limits.bytes)} is the limit. Split it, or compress it with gzip.`);
  }
  const body = await readBytes(file);
  const isZipped = beginsWith(body, GZIP);
  const content = isZipped ? await unzip(body, limits.unzippedBytes) : body;
  const text = content === null ? "" : decode(content);
  const format = FORMATS[recognizeFormat(file.name, text)];
  if (format === FORMATS.csv) requireCommas(text);
  return { name: file.name, body, isZipped, format, text };
}

// The records of a file that the API accepts, so they are not too many: none if they cannot be read here.
function splitRecords({ format, text }) {
  try {
    return format.split(text);
  } catch {
    // A record of megabytes is too much for a regular expression.
    return { records: [] };
  }
}

async function readBytes(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new UnusableFile("The file cannot be read. Is it a folder, or was it moved or changed? Choose it again.");
  }
}

function beginsWith(bytes, begin) {
  return begin.every((byte, position) => bytes[position] === byte);
}

// The content of gzip data; null if the browser cannot unzip it, so that the API judges it.
async function unzip(bytes, limit) {
  const chunks = [];
  let size = 0;
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    for (let reader = stream.getReader(), step; !(step = await reader.read()).done && size <= limit; ) {
      chunks.push(step.value);
      size += step.value.length;
    }
  } catch {
    return null;
  }
  if (size > limit) throw new UnusableFile(`The unzipped file has more than ${megabytes(limit)}. Split it.`);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function decode(content) {
  const foreign = FOREIGN_FILES.find(({ begin }) => beginsWith(content, begin));
  if (foreign) throw new UnusableFile(`${foreign.text} ${SAVE_AS_CSV}`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new UnusableFile(`This text is not in UTF-8. ${SAVE_AS_CSV}`);
  }
}

function requireCommas(text) {
  const [header] = text.split(/[\r\n]/, 1);
  if (text.includes("\r") && !text.includes("\n")) {
    throw new UnusableFile(`The lines end like those of old Macs. ${SAVE_AS_CSV}`);
  }
  const separator = !header.includes(",") && { ";": "semicolons", "\t": "tabs" }[header.match(/[;\t]/)?.[0]];
  if (!separator) return;
  throw new UnusableFile(
    `The columns are separated by ${separator}, not commas. ${SAVE_AS_CSV} If your spreadsheet keeps writing ${separator}, ` +
      "choose a comma as the list separator in the settings of your computer first.",
  );
}

// By the name, and by the beginning of the text if the name says nothing.
function recognizeFormat(name, text) {
  const extension = name.toLowerCase().match(/\.(csv|ndjson|jsonl|json)(?:\.gz)?$/)?.[1];
  if (extension) return extension === "jsonl" ? "ndjson" : extension;
  const first = text.match(/[^\s\ufeff]/)?.[0];
  if (first === "{") return readJson(text) === undefined ? "ndjson" : "json";
  return first === "[" ? "json" : "csv";
}

// Each `split` returns the records with their text (`raw`), their `members`, and where they are: `row` and `line`.

function splitCsv(text) {
  const begin = text.startsWith("\ufeff") ? 1 : 0;
  const [header, ...records] = findCsvRecords(text, begin);
  if (!header) return { records: [], header: "" };
  const columns = splitCells(header.raw);
  for (const record of records) {
    const cells = splitCells(record.raw);
    record.members = Object.fromEntries(columns.map((name, position) => [name, cells[position]]));
  }
  return { records, header: text.slice(0, begin) + header.raw };
}

// Blank rows are none, but they count in `row`, as in a spreadsheet. Only a quoted cell continues on the next line.
function findCsvRecords(text, begin) {
  const records = [];
  for (let start = begin, line = 1, row = 1; start < text.length; row += 1) {
    let [end, nextLine, isOpen] = [start, line, false];
    do {
      const lineEnd = text.indexOf("\n", end) + 1 || text.length;
      isOpen = OPEN_LINE.test((isOpen ? '"' : "") + text.slice(end, lineEnd));
      end = lineEnd;
      nextLine += 1;
    } while (isOpen && end < text.length);
    const raw = text.slice(start, end);
    if (/[^\r\n]/.test(raw)) records.push({ raw, row, line });
    [start, line] = [end, nextLine];
  }
  return records;
}

function splitCells(raw) {
  const cells = raw.replace(/[\r\n]+$/, "").matchAll(CELL);
  return Array.from(cells, ([, quoted, plain]) => plain ?? quoted.slice(1, -1).replaceAll('""', '"'));
}

function splitLines(text) {
  const lines = text.replace(/^\ufeff/, "").match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const all = lines.map((raw, position) => ({ raw, row: position + 1, line: position + 1 }));
  const records = all.filter(({ raw }) => /[^ \t\r\n]/.test(raw));
  for (const record of records) record.members = readMembers(record.raw);
  return { records };
}

function splitArray(text) {
  const spans = /^\s*\[/.test(text) ? findElements(text) : [[0, text.length]];
  let [line, position] = [1, 0];
  const records = spans.map(([begin, end], index) => {
    const start = begin + text.slice(begin, end).search(/\S|$/);
    line += text.slice(position, start).split("\n").length - 1;
    position = start;
    const raw = text.slice(start, end).trimEnd();
    return { raw, row: index + 1, line, members: readMembers(raw) };
  });
  return { records: records.filter(({ raw }) => raw !== "") };
}

// The spans of the elements of an array, which is JSON.
function findElements(text) {
  const spans = [];
  let [depth, begin] = [0, 0];
  for (const { 0: mark, index } of text.matchAll(JSON_MARK)) {
    if (depth === 1 && (mark === "," || mark === "]")) spans.push([begin, index]);
    if (mark === "[" || mark === "{") depth += 1;
    if (mark === "]" || mark === "}") depth -= 1;
    if (depth === 1 && (mark === "," || mark === "[")) begin = index + 1;
  }
  return spans;
}

function readMembers(raw) {
  const value = readJson(raw);
  return typeof value === "object" && value !== null ? value : {};
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// A file like the chosen one, with only these of its records.
function writeRecords(chosen, records) {
  const text = chosen.format.join(records.map(({ raw }) => raw), chosen.header);
  return new Blob([text], { type: chosen.format.mediaType });
}

// week23.csv.gz -> week23.rejected.csv
function nameRejectedFile({ name, format }) {
  const extension = Object.keys(FORMATS).find((key) => FORMATS[key] === format);
  const [stem] = name.split(/\.(?:csv|ndjson|jsonl|json)(?:\.gz)?$/i);
  return `${stem || "pasted"}.rejected.${name.match(/\.(ndjson|jsonl)(?:\.gz)?$/i)?.[1] ?? extension}`;
}

function megabytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
