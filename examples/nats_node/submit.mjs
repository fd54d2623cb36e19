// Submit a job over plain NATS and print its events as they come: node submit.mjs "Our API answers 502"
import { connect } from "@nats-io/transport-node";

const url = new URL(process.env.NATS_URL ?? "nats://127.0.0.1:4222");
const connection = await connect({ servers: url.host, token: url.username || undefined }); // of nats://<token>@host
const job = crypto.randomUUID(), seen = new Set(), due = new Map();
const events = connection.subscribe(`live.default.${job}`); // listen first, then ask
const stored = await connection.request(`jobs.default.routing.${job}`, JSON.stringify({ query: process.argv[2] }));
if (stored.json().error) throw new Error(stored.json().error.description);
async function* each(messages) {
  for await (const message of messages) yield* message.string().split("\n").map((line) => JSON.parse(line));
}
for await (const event of each(events)) {
  if ("id" in event) { // the run itself: the same id is the same event, told again
    if (seen.has(event.id)) continue;
    seen.add(event.id);
  } else { // a step: only the next `n` of the newest attempt counts, which `a` and `i` name
    const [number, attempt, next] = due.get(event.k) ?? [0, "", 0];
    const begins = event.n === 0 && event.a >= number && !seen.has(event.i);
    if (!begins && (event.a !== number || event.i !== attempt || event.n !== next)) continue;
    seen.add(event.i);
    due.set(event.k, [event.a, event.i, event.n + 1]);
  }
  if (event.type === "delta") console.log(event.k, event.p, event.t); // a piece of the JSON text of the value at `p`
  if (event.type === "part.reset") console.log(event.k, event.p, "<anew>"); // forget what `k` wrote there
  if (!["job.completed", "job.failed", "job.cancelled"].includes(event.type)) continue;
  console.log(JSON.stringify(event.result ?? event.problem ?? null, null, 2));
  process.exitCode = event.type === "job.completed" ? 0 : 1;
  await connection.close();
}
