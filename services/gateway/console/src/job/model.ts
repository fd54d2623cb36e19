// A job as its events tell of it.

import type { Event, JobState, Problem, Snapshot, Usage, Waiting } from "../api/schema";
import { Document } from "./document";

export type Status = Snapshot["status"];

const GONE = "its process was gone";

export type StepView = {
  key: string;
  step: string;
  service: string;
  /** Cancelled: its job ended before it. */
  state: "queued" | "running" | "writing" | "retrying" | "completed" | "failed" | "cancelled";
  attempt: number;
  model?: string | undefined;
  usage?: Usage;
  durationMs?: number;
  cached?: boolean;
  problem?: Problem;
  /** Why its attempts ended; why what it had written was taken back; the attempt that writes, the last that said that it is retried. */
  reasons: string[];
  anew?: string;
  writer?: number;
  retried?: number;
  /** Where it waits, in words. */
  queued?: string | undefined;
  thinking?: string | number | null | undefined;
  /** Milliseconds (Unix) at which this page heard of it; only of what came live. */
  heard: { queued?: number; started?: number; first?: number; ended?: number };
  /** When the last piece of what it writes was received. */
  lastPiece?: number;
};

/** An event as it was received: `data` is its JSON text. */
export type Received = { type: string; id: string; data: string; at: number };

export class JobModel {
  status: Status = "queued";
  pattern = "";
  deadline?: string;
  readonly steps = new Map<string, StepView>();
  document = new Document();
  waiting: Waiting[] = [];
  problem?: Problem;
  usage?: Usage;
  missing: string[] = [];
  readonly events: Received[] = [];
  /** Keys of steps that were begun before any of them had ended: what ran at once. */
  readonly waves: string[][] = [];
  private waveIsOver = true;
  /** The cursor: what is asked for next comes after it. */
  cursor = "";

  get ended(): boolean {
    return isEnd(this.status);
  }

  /** How it is, while it goes on; its events say the rest, or nothing where they are past their retention. */
  begin(state: JobState): void {
    if (this.ended || isEnd(state.status)) return;
    this.pattern = state.pattern;
    this.status = state.status;
    this.waiting = state.waiting;
  }

  /** `live`: it happened now, and not before this page looked. */
  apply(received: Received, live: boolean): void {
    this.events.push(received);
    if (received.id) this.cursor = received.id;
    let event: Event;
    try {
      event = JSON.parse(received.data) as Event;
    } catch {
      return;
    }
    this.take(event, live ? received.at : undefined);
    if (event.type === "part.start" || event.type === "delta" || event.type === "part.end") {
      const step = this.steps.get(event.k);
      if (step) step.lastPiece = received.at;
    }
  }

  private take(event: Event, at: number | undefined): void {
    switch (event.type) {
      case "job.accepted":
        this.pattern = event.pattern;
        this.deadline = event.deadline;
        this.status = "running";
        break;
      case "step.queued": {
        const step = this.step(event.key, event.step, event.service);
        step.state = "queued";
        const where = event.model ? `for its turn to ask ${event.model}` : `for a ${event.service}`;
        step.queued = event.served ? `waits ${where}, one of ${event.depth}` : `no process of ${event.service} is there`;
        if (at) step.heard.queued ??= at;
        break;
      }
      case "step.started": {
        const step = this.step(event.k, event.step, event.service);
        // an attempt that ended without a word of it
        if (event.a > 1 && step.retried !== event.a - 1) step.reasons.push(GONE);
        Object.assign(step, { state: "running", attempt: event.a, queued: undefined, thinking: event.thinking });
        step.model = event.model ?? step.model;
        if (at) step.heard.started ??= at;
        break;
      }
      case "part.start":
        this.document.start(event.p, event.k);
        this.writing(event.k, event.a, at);
        break;
      case "delta":
        this.document.delta(event.p, event.t);
        break;
      case "part.end":
        this.document.end(event.p);
        break;
      case "part.reset": {
        this.document.takeBack(event.p, event.k);
        const step = this.step(event.k);
        step.anew = event.a > (step.writer ?? event.a) ? (step.reasons.at(-1) ?? GONE) : "the reply did not fit";
        break;
      }
      case "part.retract":
        this.document.takeBack(event.p);
        break;
      case "part.value":
        this.document.known(event.p, JSON.parse(event.t));
        break;
      case "step.retrying": {
        const step = this.step(event.k);
        Object.assign(step, { state: "retrying", retried: event.a });
        step.reasons.push(event.code);
        break;
      }
      case "step.completed":
      case "step.failed": {
        const step = this.step(event.key, event.step);
        const { attempt, usage, durationMs } = event;
        Object.assign(step, { attempt, usage, durationMs, queued: undefined, cached: event.cached ?? false });
        step.model = event.model ?? step.model;
        step.state = event.type === "step.completed" ? "completed" : "failed";
        this.waveIsOver = true;
        if (event.type === "step.failed") step.problem = event.problem;
        if (at) step.heard.ended = at;
        break;
      }
      case "job.waiting":
        this.waiting = [...this.waiting.filter((one) => one.key !== event.key), event];
        this.status = "waiting";
        break;
      case "job.resumed":
        this.waiting = this.waiting.filter((one) => one.key !== event.key);
        if (this.waiting.length === 0) this.status = "running";
        break;
      case "job.completed":
        this.document.replace(event.result, true);
        this.missing = event.missing ?? [];
        this.ends("completed", event.usage);
        break;
      case "job.failed":
        this.problem = event.problem;
        this.ends("failed", event.usage);
        break;
      case "job.cancelled":
        this.ends("cancelled", event.usage);
        break;
      case "snapshot":
        this.pattern = event.pattern;
        this.status = event.status;
        this.usage = event.usage;
        // an older gateway's says nothing of them
        this.waiting = event.waiting ?? this.waiting;
        this.document = new Document();
        this.document.replace(event.result, false);
        for (const key of event.steps) this.step(key).state = "completed";
        break;
    }
  }

  private writing(key: string, attempt: number, at: number | undefined): void {
    const step = this.step(key);
    Object.assign(step, { state: "writing", writer: attempt });
    if (at) step.heard.first ??= at;
  }

  private ends(status: Status, usage: Usage): void {
    this.status = status;
    this.usage = usage;
    this.waiting = [];
    for (const step of this.steps.values()) {
      if (step.state !== "completed" && step.state !== "failed") Object.assign(step, { state: "cancelled", queued: undefined });
    }
  }

  private step(key: string, name?: string, service?: string): StepView {
    let step = this.steps.get(key);
    if (!step) {
      const unknown = key.replace(/-\d+$/, "");
      step = { key, step: unknown, service: "", state: "running", attempt: 0, reasons: [], heard: {} };
      this.steps.set(key, step);
      if (this.waveIsOver) this.waves.push([]);
      this.waves.at(-1)?.push(key);
      this.waveIsOver = false;
    }
    if (name) step.step = name;
    if (service) step.service = service;
    return step;
  }
}

function isEnd(status: Status): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
