// Which steps a job has, and how each of them is: as its pattern is drawn, and in the order in which they came.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { JobModel, StepView } from "../job/model";
import { duration } from "./words";
import "../styles/steps.css";

/** Milliseconds without a piece after which it is said. */
const SILENT = 3_000;

/** What stands beside a step, in words. */
export function doing(step: StepView, now: number): string {
  if (step.queued) return step.queued;
  if (step.state === "cancelled") return "the job ended before it";
  if (step.state === "retrying") return `attempt ${step.attempt} failed (${step.reasons.at(-1)}), and is tried again`;
  if (step.state === "failed") return step.problem?.code ?? "failed";
  if (step.state === "completed") return step.durationMs === undefined ? "done" : duration(step.durationMs);
  if (step.state !== "writing") return "thinks";
  const silent = now - (step.lastPiece ?? now);
  return silent < SILENT ? "writes" : `writes · silent for ${Math.floor(silent / 1000)} s`;
}

/** The time, as often as every so many milliseconds while `going`. */
export function useNow(every: number, going: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every, going]);
  return now;
}

/** The steps in columns: those of one column ran at once, or were begun before the first of it had ended. */
export function Steps({ model, chosen, choose }: { model: JobModel; chosen?: string | undefined; choose?: (key: string) => void }): JSX.Element {
  const now = useNow(1_000, !model.ended);
  if (model.steps.size === 0) {
    const said = model.ended ? "It had no steps." : model.status === "waiting" ? "It waits. It has had no step so far." : "No step has begun yet.";
    return <p class="soft small steps-none">{said}</p>;
  }
  return (
    <ol class="waves" aria-label="Steps">
      {model.waves.map((wave, index) => (
        <li key={index}>
          {wave.map((key) => {
            const step = model.steps.get(key) as StepView;
            const said = (
              <>
                <span class={`state ${step.state}`}>{key}</span>
                <span class="doing">
                  {doing(step, now)}
                  {step.attempt > 1 && ` · attempt ${step.attempt}`}
                  {step.cached && " · from the cache"}
                </span>
              </>
            );
            return choose ? (
              <button key={key} type="button" class="step" aria-pressed={chosen === key} onClick={() => choose(key)}>
                {said}
              </button>
            ) : (
              <div key={key} class="step">
                {said}
              </div>
            );
          })}
        </li>
      ))}
    </ol>
  );
}

/** The drawing of the pattern's author; names of steps in it are coloured by how these are. */
export function Drawing({ drawing, model }: { drawing: string; model?: JobModel }): JSX.Element {
  const states = new Map<string, string>();
  for (const step of model?.steps.values() ?? []) {
    const name = step.step.toUpperCase().replaceAll("-", "_");
    for (const token of [name, name.split("_")[0] as string]) states.set(token, liveliest(states.get(token), step.state));
  }
  const pieces = drawing.split(/([A-Z][A-Z_]{2,})/);
  return (
    <pre class="drawing" tabIndex={0} role="img" aria-label="The pattern, drawn">
      {pieces.map((piece, index) => (index % 2 && states.has(piece) ? <b class={`node ${states.get(piece)}`}>{piece}</b> : piece))}
    </pre>
  );
}

const ORDER = ["completed", "cancelled", "queued", "failed", "retrying", "running", "writing"];

function liveliest(one: string | undefined, other: string): string {
  return one && ORDER.indexOf(one) > ORDER.indexOf(other) ? one : other;
}
