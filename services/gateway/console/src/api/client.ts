// Requests to the gateway that served this page, with the key if one was given.

import type { Problem } from "./schema";

const STORED = "penstock.key";

/** Set by the frame: what is done where a key is needed, or another one. */
let refused: (given: boolean) => void = () => {};

export function onUnauthorized(told: (given: boolean) => void): void {
  refused = told;
}

export function key(): string | null {
  return sessionStorage.getItem(STORED);
}

export function setKey(given: string | null): void {
  if (given) sessionStorage.setItem(STORED, given);
  else sessionStorage.removeItem(STORED);
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
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, { title: "no answer", detail: "The gateway does not answer." });
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ title: answer.statusText }));
  if (answer.status === 401) refused(given !== null);
  throw new Refusal(answer.status, problem);
}

/** The answer's JSON, of which the caller knows the type. Raises Refusal. */
export async function ask<T>(path: string, sent?: Sent): Promise<T> {
  return (await (await send(path, sent)).json()) as T;
}
