// What browsers have and Node.js 20 does not: for the snippets of docs/clients.md.
import { EventSource } from "eventsource";

globalThis.EventSource = EventSource;
globalThis.window = globalThis;
