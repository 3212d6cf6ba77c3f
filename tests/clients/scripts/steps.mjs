// What the scripts share: where `/v1` is, a tool, and a line of JSON for each step that ran.
export const URL = process.env.NODEWISE_URL;
export const ROOT = URL.replace(/\/v1$/, "");
export const KEY = process.env.NODEWISE_KEY;
export const MODEL = process.env.NODEWISE_MODEL;
export const EMBEDDER = process.env.NODEWISE_EMBEDDER;
export const CLAUDE = process.env.NODEWISE_CLAUDE;
export const ASK = "Describe one dog in five words.";
export const ASK_WEATHER = "What is the weather in Bonn? Use the tool.";
export const WEATHER = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
export const SCHEMA = { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"], additionalProperties: false };
export const called = [];

export function weather({ city }) {
  called.push(city);
  return `It is sunny in ${city}.`;
}

export function expect(found, what) {
  if (!found || (Array.isArray(found) && !found.length)) throw new Error(`no ${what}`);
  return found;
}

export async function rejects(kind, run) {
  try {
    await run();
  } catch (error) {
    if (kind(error)) return;
    throw new Error(`rejected with ${error.name} ${error.status ?? error.statusCode ?? ""}: ${error.message}`);
  }
  throw new Error("rejected nothing");
}

export async function all(steps) {
  for (const [step, run] of Object.entries(steps)) {
    called.length = 0;
    let told = { step, ok: true };
    try {
      await run();
    } catch (error) {
      told = { step, ok: false, why: `${error.name}: ${error.message}`.replace(/\s+/g, " ").slice(0, 300) };
    }
    process.stdout.write(`\n@@${JSON.stringify(told)}\n`);
  }
  process.exit(0);
}
