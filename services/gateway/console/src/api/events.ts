// The events of a job, followed across lost connections: each asked for after the last one there is.

import type { Received } from "../job/model";
import { Refusal, send } from "./client";

/** What the gateway says while nothing happens, every so often. */
const HEARTBEAT = ":\n";
/** Milliseconds without a byte after which a connection is taken for lost: while no heartbeat has told how often they
 * come, and at the least; three may fail to come.
 */
const UNTOLD = 300_000;
const LEAST = 50_000;
/** From a byte to the heartbeat after it. */
let beat: number | undefined;
const LONGEST_PAUSE = 8_000;

export type Following = {
  job: string;
  after: () => string;
  /** Those that came in one piece. */
  received: (events: Received[]) => void;
  connection: (state: "open" | "lost") => void;
  signal: AbortSignal;
};

/** Returns at the end of the job's events. Raises Refusal where it cannot be followed at all. */
export async function follow({ job, after, received, connection, signal }: Following): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    if (failures) await pause(Math.min(500 * 2 ** failures, LONGEST_PAUSE), signal);
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (after()) headers["Last-Event-ID"] = after();
      const answer = await send(`/jobs/${encodeURIComponent(job)}/events`, { headers, signal });
      if (answer.status === 204 || !answer.body) return;
      connection("open");
      let ended = false;
      for await (const events of messages(answer.body, signal)) {
        failures = 0;
        received(events);
        ended = events.some((event) => /^job\.(completed|failed|cancelled)$/.test(event.type));
        if (ended) break;
      }
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && error.status >= 400 && error.status < 500) throw error;
    }
    connection("lost");
  }
}

async function* messages(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Received[]> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest: string[] = [];
  const block = { type: "message", id: "", data: [] as string[] };
  try {
    while (!signal.aborted) {
      const asked = performance.now();
      const { value, done } = await within(reader.read(), beat === undefined ? UNTOLD : Math.max(3 * beat, LEAST));
      if (done) return;
      if (value === HEARTBEAT) beat = performance.now() - asked;
      const lines = value.split("\n");
      // what came of a long line is put together once
      rest.push(lines[0] as string);
      if (lines.length === 1) continue;
      lines[0] = rest.join("");
      rest = [lines.pop() as string];
      const found: Received[] = [];
      for (const line of lines) {
        if (line === "") {
          if (block.data.length) found.push({ type: block.type, id: block.id, data: block.data.join("\n"), at: Date.now() });
          Object.assign(block, { type: "message", data: [] });
        } else if (line.startsWith("data: ")) block.data.push(line.slice(6));
        else if (line.startsWith("event: ")) block.type = line.slice(7);
        else if (line.startsWith("id: ")) block.id = line.slice(4);
      }
      if (found.length) yield found;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => {
      beat = undefined;
      reject(new Error("silent"));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const now = () => (clearTimeout(timer), resolve());
    signal.addEventListener("abort", now, { once: true });
    addEventListener("online", now, { once: true, signal });
  });
}
