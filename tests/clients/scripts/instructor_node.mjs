// instructor in JavaScript.
import Instructor from "@instructor-ai/instructor";
import OpenAI from "openai";
import { z } from "zod";
import { ASK, KEY, MODEL, URL, all, expect, rejects } from "./steps.mjs";

const Dog = z.object({ name: z.string(), age: z.number().int() });
const made = (apiKey, mode) => Instructor({ client: new OpenAI({ apiKey, baseURL: URL, maxRetries: 0 }), mode });
const asked = { model: MODEL, messages: [{ role: "user", content: ASK }], response_model: { schema: Dog, name: "Dog" }, max_retries: 0 };

await all({
  async structured() {
    for (const mode of ["TOOLS", "FUNCTIONS", "JSON_SCHEMA"]) {
      expect((await made(KEY, mode).chat.completions.create(asked)).name, mode);
    }
  },
  async stream() {
    let last;
    for await (const piece of await made(KEY, "TOOLS").chat.completions.create({ ...asked, stream: true })) last = piece;
    expect(last.name, "object");
  },
  async usage() {
    expect((await made(KEY, "TOOLS").chat.completions.create(asked))._meta.usage.completion_tokens, "tokens");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => made("nw-wrong", "TOOLS").chat.completions.create(asked));
  },
});
