// The rows of a job's timeline.

import type { Row, Stretch } from "../parts/timeline";
import { doing } from "../parts/steps";
import type { JobModel, StepView } from "./model";

/** As this page heard it; of what had happened before only how long it took, one wave behind the other. */
export function heard(model: JobModel, now: number): Row[] {
  const rows: Row[] = [];
  let waveEnd = 0;
  const isLive = [...model.steps.values()].every((step) => step.heard.started !== undefined);
  for (const wave of model.waves) {
    const start = waveEnd;
    for (const key of wave) {
      const step = model.steps.get(key) as StepView;
      const took = step.durationMs ?? 0;
      const stretches = isLive ? live(step, model.ended ? undefined : now) : [{ kind: "writing" as const, from: start, to: start + took }];
      waveEnd = Math.max(waveEnd, ...stretches.map((one) => one.to));
      const attempts = step.attempt > 1 ? [`attempt ${step.attempt}`, ...step.reasons] : step.reasons;
      rows.push({ key, state: step.state, stretches, note: note(step, attempts, now) });
    }
  }
  return rows;
}

function live(step: StepView, now: number | undefined): Stretch[] {
  const { queued, started, first, ended } = step.heard;
  const until = ended ?? now;
  if (started === undefined || until === undefined) return [];
  const found: Stretch[] = [];
  if (queued) found.push({ kind: "queued", from: queued, to: started });
  found.push({ kind: "thinking", from: started, to: first ?? until });
  if (first) found.push({ kind: "writing", from: first, to: until });
  return found;
}

/** How it is now, what became of its `attempts`, and its model. */
export function note(step: StepView, attempts: string[], now: number): string {
  return [step.state === "completed" ? "" : doing(step, now), ...attempts, step.cached ? "from the cache" : (step.model ?? "")].filter(Boolean).join(" · ");
}
