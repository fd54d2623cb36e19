// Recorded UI message streams through every version's own transport (which holds each chunk against its
// schema) and message reader. Prints, by version and name, the number of chunks and the last message, or the error.
import { drain, given, say } from "./io.mjs";
import { versions } from "./versions.mjs";

const recorded = await given();
const found = {};
for (const [version, ai] of Object.entries(versions)) {
  found[version] = {};
  for (const { name, headers, body } of recorded) {
    try {
      found[version][name] = await read(ai, headers, body);
    } catch (error) {
      found[version][name] = { error: String(error) };
    }
  }
}
say(found);

async function read(ai, headers, body) {
  const fetch = async () => new Response(body, { headers });
  const transport = new ai.DefaultChatTransport({ api: "http://nowhere.invalid/", fetch });
  const message = { id: "m", role: "user", parts: [{ type: "text", text: "x" }] };
  const stream = await transport.sendMessages({ chatId: "c", messages: [message], trigger: "submit-message" });
  const [once, again] = stream.tee();
  let chunks = 0;
  const errors = [];
  const [, last] = await Promise.all([
    drain(once, () => (chunks += 1)),
    drain(ai.readUIMessageStream({ stream: again, onError: (error) => errors.push(String(error)) })),
  ]);
  return { chunks, message: last, errors };
}
