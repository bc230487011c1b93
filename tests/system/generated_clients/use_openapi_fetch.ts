// Use openapi-fetch with the types that openapi-typescript generates. Arguments: the API's URL, a token.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./generated.js";

type Entry = components["schemas"]["Entry"];
type Page = components["schemas"]["Page"];
type Problem = components["schemas"]["Problem"];
type Api = Client<paths>;

const ENTRY: Entry = { user_id: "007", date: "2017-05-10T17:40:20.095Z", project: "StoreZero", hours: 5 };

function connect(baseUrl: string, token: string): Api {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

async function uploadOne(api: Api): Promise<unknown[]> {
  const { data } = await api.POST("/timesheets/upload", { body: ENTRY });
  if (!data || !("message" in data)) throw new Error("No stored entry.");
  return [data.message.split(" for ")[1]!, new Date(data.date).getUTCFullYear()];
}

async function uploadMany(api: Api): Promise<number[]> {
  const body: Entry[] = [1, "2.5", 25].map((hours) => ({ ...ENTRY, hours }));
  const { data } = await api.POST("/timesheets/upload", { body });
  if (!data || !("entries" in data)) throw new Error("No report.");
  return data.entries.map((verdict) => verdict.status);
}

async function listPage(api: Api, cursor?: string): Promise<Page> {
  const query = { user_id: ["007", "008"], page_size: 2, cursor };
  const { data } = await api.GET("/timesheets", { params: { query } });
  // A client can ask for CSV too, which is a string.
  if (typeof data !== "object") throw new Error("No page.");
  return data;
}

async function listTwoPages(api: Api): Promise<number[][]> {
  const first = await listPage(api);
  const second = await listPage(api, new URL(first.next!).searchParams.get("cursor")!);
  return [first, second].map((page) => page.results.map((entry) => entry.hours));
}

async function correct(api: Api): Promise<unknown[]> {
  const first: Entry = { ...ENTRY, entry_id: "week-19:0" };
  await api.POST("/timesheets/upload", { body: first });
  const body: Entry = { ...first, hours: 6, revision: 2, reason: "The evening was missing." };
  const { data } = await api.POST("/timesheets/upload", { body });
  if (!data || !("message" in data)) throw new Error("No stored entry.");
  return [data.hours, data.revision, data.reason, data.id - data.supersedes!];
}

async function readReceipt(api: Api): Promise<unknown[]> {
  const query = { label: "week-19.json", expect_entries: 1, expect_hours: "5" };
  const { response } = await api.POST("/timesheets/upload", { params: { query }, body: [ENTRY] });
  const upload_id = Number(response.headers.get("Location")!.split("/").pop());
  const { data } = await api.GET("/uploads/{upload_id}", { params: { path: { upload_id } } });
  return [data!.label, new Date(data!.received_at) > new Date(ENTRY.date), data!.hours.created];
}

async function read401(api: Api): Promise<unknown[]> {
  const { error } = await api.GET("/timesheets");
  const problem: Problem = error!;
  return [problem.status, problem.code];
}

async function read422(api: Api): Promise<unknown[]> {
  const { error } = await api.POST("/timesheets/upload", { body: { ...ENTRY, user_id: "" } });
  const problem: Problem = error!;
  return [problem.status, problem.code, Object.keys(problem.errors!)];
}

const [url, token] = process.argv.slice(2) as [string, string];
const api = connect(url, token);
const outcome = {
  one: await uploadOne(api),
  many: await uploadMany(api),
  pages: await listTwoPages(api),
  unauthorized: await read401(connect(url, "broken")),
  invalid: await read422(api),
  correction: await correct(api),
  receipt: await readReceipt(api),
};
console.log(JSON.stringify(outcome));
