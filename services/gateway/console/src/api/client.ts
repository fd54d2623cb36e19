// Requests to the gateway that served this page, with the key if one was given.

import { heardOf } from "./clock";
import type { Problem } from "./schema";

/** All that this page keeps in the tab is called so. */
const OURS = "penstock.";
const STORED = `${OURS}key`;

/** Set by the frame: what is done where a key is needed, or another one. */
let refused: (given: boolean) => void = () => {};

export function onUnauthorized(told: (given: boolean) => void): void {
  refused = told;
}

export function key(): string | null {
  return sessionStorage.getItem(STORED);
}

/** With which this page has asked: one that the browser brings back as it was may be of a key forgotten since. */
let holder = key();
addEventListener("pageshow", (event) => event.persisted && key() !== holder && location.reload());

/** Another key is another reader: what was kept under the one before is forgotten with it. */
export function setKey(given: string | null): void {
  if (given && given === key()) return;
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(OURS)) sessionStorage.removeItem(name);
  if (given) sessionStorage.setItem(STORED, given);
  holder = given;
}

/** What the gateway refused, or that there was no answer (`status` 0). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem> & { title?: string; detail?: string; code?: string },
  ) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
  }
}

export type Sent = { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal };

/** The answer. Raises Refusal. */
export async function send(path: string, { method, body, headers, signal }: Sent = {}): Promise<Response> {
  const given = key();
  const all: Record<string, string> = { Accept: "application/json", ...headers };
  if (given) all.Authorization = `Bearer ${given}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  const init: RequestInit = { method: method ?? (body === undefined ? "GET" : "POST"), headers: all };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let answer: Response;
  const asked = Date.now();
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, { title: "no answer", detail: "The gateway does not answer." });
  }
  heardOf(answer.headers.get("Date"), asked);
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ title: answer.statusText }));
  if (answer.status === 401 && given === key()) {
    setKey(null);
    refused(given !== null);
  }
  throw new Refusal(answer.status, problem);
}

/** The answer's JSON, of which the caller knows the type. Raises Refusal. */
export async function ask<T>(path: string, sent?: Sent): Promise<T> {
  return (await (await send(path, sent)).json()) as T;
}
