// The result of a job as it grows, each part with who writes it, and how the job is.

import type { JSX } from "preact";
import type { Refusal } from "../api/client";
import type { Followed } from "../job/use";
import type { JobModel } from "../job/model";
import type { Schema } from "./schema";
import { Document, type Mark, type Marks } from "./value";
import { WaitsFor } from "./waiting";
import { count, money } from "./words";

export function Result({ followed, schema }: { followed: Followed; schema: Schema | undefined }): JSX.Element {
  const { model, error } = followed;
  return (
    <>
      <Refused error={error} />
      {model.problem && (
        <p class="problem" role="alert">
          <strong>{model.problem.code}</strong> {model.problem.detail}
        </p>
      )}
      {model.missing.length > 0 && <p class="notice">Nothing came of {model.missing.join(", ")}.</p>}
      <Document value={model.document.value()} schema={schema} marks={marks(model)} />
    </>
  );
}

/** What the job waits for, each with its form. */
export function Waits({ job, model }: { job: string; model: JobModel }): JSX.Element {
  return (
    <>
      {model.waiting.map((waiting) => (
        <WaitsFor key={waiting.key} job={job} waiting={waiting} />
      ))}
    </>
  );
}

export function Refused({ error }: { error: Refusal | null }): JSX.Element | null {
  return error && error.status !== 401 ? (
    <p class="problem" role="alert">
      {error.problem.code && <strong>{error.problem.code} </strong>}
      {error.message}
    </p>
  ) : null;
}

function marks(model: JobModel): Marks {
  const found: Marks = new Map();
  const back = model.ended ? "taken back" : "taken back, to be written anew";
  for (const [p] of model.document.taken) found.set(p, { text: back, state: "taken" });
  for (const part of model.document.parts.values()) {
    const step = part.writer === null ? undefined : model.steps.get(part.writer);
    if (!step) continue;
    const isAnew = step.anew ? ` · written anew: ${step.anew}` : "";
    const attempt = step.attempt > 1 ? ` · attempt ${step.attempt}` : "";
    const model_ = step.model ? ` · ${step.model}` : "";
    const growing = part.state === "growing" && !model.ended;
    const mark: Mark = { text: `${step.key}${model_}${attempt}${isAnew}`, state: growing ? "growing" : "whole" };
    mark.title = `${growing ? "is being written" : "written"} by the step ${step.key} (${step.service || "a worker"})`;
    found.set(part.p, mark);
  }
  return found;
}

/** The job in a line: how it is, what it used, and whether it is still followed. */
export function Standing({ followed: { model, connection } }: { followed: Followed }): JSX.Element {
  const usage = model.usage ?? sum(model);
  return (
    <p class="standing" aria-live="polite">
      <span class={`state ${model.status}`}>{model.status}</span>
      <span class="soft small">
        {usage.calls} model {usage.calls === 1 ? "call" : "calls"} · {count(usage.promptTokens)} tokens in · {count(usage.outputTokens + usage.thinkingTokens)} out
        {usage.costUsd != null && ` · ${money(usage.costUsd)}`}
      </span>
      {connection === "lost" && !model.ended && (
        <span class="lost small" title="It is taken up again where it broke off.">
          connection lost
        </span>
      )}
    </p>
  );
}

function sum(model: JobModel): { calls: number; promptTokens: number; outputTokens: number; thinkingTokens: number; costUsd: number | null } {
  const total = { calls: 0, promptTokens: 0, outputTokens: 0, thinkingTokens: 0, costUsd: null as number | null };
  for (const { usage } of model.steps.values()) {
    if (!usage) continue;
    total.calls += usage.calls ?? 0;
    total.promptTokens += usage.promptTokens ?? 0;
    total.outputTokens += usage.outputTokens ?? 0;
    total.thinkingTokens += usage.thinkingTokens ?? 0;
    if (usage.costUsd != null) total.costUsd = (total.costUsd ?? 0) + usage.costUsd;
  }
  return total;
}
