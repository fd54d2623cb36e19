// parsePartialJson over every prefix of JSON texts. Prints, by version, how often each state came and what was wrong.
import { contradiction } from "./growth.mjs";
import { given, say } from "./io.mjs";
import { newest } from "./versions.mjs";

const texts = await given();
const found = {};
for (const [version, { parsePartialJson }] of Object.entries(newest)) {
  const states = {};
  const wrong = [];
  for (const { name, text } of texts) {
    let before;
    for (let length = 1; length <= text.length; length += 1) {
      const { value, state } = await parsePartialJson(text.slice(0, length));
      states[state] = (states[state] ?? 0) + 1;
      const why = state === "failed-parse" ? "not read" : contradiction(before, value);
      if (why !== undefined) wrong.push({ name, why, end: text.slice(Math.max(0, length - 40), length) });
      before = value;
    }
  }
  found[version] = { states, wrong };
}
say(found);
