// Server-sent events through a client that comes back by itself. Prints every message the client hands over.
//   node event-streams.mjs eventsource|fetch-event-source <url> <event name>…
import { say } from "./io.mjs";

const [client, url, ...names] = process.argv.slice(2);
await { eventsource, "fetch-event-source": fetchEventSource }[client]();
say({ over: true });

async function eventsource() {
  const { EventSource } = await import("eventsource");
  const source = new EventSource(url);
  const tell = ({ type, lastEventId, data }) => say({ type, id: lastEventId, data });
  for (const name of ["message", ...names]) source.addEventListener(name, tell);
  await new Promise((resolve) => {
    source.addEventListener("open", () => say({ opened: true }));
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && resolve());
  });
}

async function fetchEventSource() {
  globalThis.window = globalThis; // it was made for browsers
  globalThis.document = { addEventListener() {}, removeEventListener() {} };
  const { fetchEventSource } = await import("@microsoft/fetch-event-source");
  await fetchEventSource(url, {
    openWhenHidden: true,
    async onopen(response) {
      if (!response.ok) throw new Error(`status ${response.status}`);
      say({ opened: true });
    },
    onmessage: ({ event, id, data }) => say({ type: event, id, data }),
  });
}
