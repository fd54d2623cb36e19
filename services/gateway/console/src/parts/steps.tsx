// Which steps a job has, and how each of them is: as its pattern is drawn, and in the order in which they came.

import type { JSX } from "preact";
import type { JobModel, StepView } from "../job/model";
import { duration } from "./words";
import "../styles/steps.css";

/** What stands beside a step, in words. */
export function doing(step: StepView): string {
  if (step.queued) return step.queued;
  if (step.state === "retrying") return `attempt ${step.attempt} failed (${step.reasons.at(-1)}), and is tried again`;
  if (step.state === "failed") return step.problem?.code ?? "failed";
  if (step.state === "completed") return step.durationMs === undefined ? "done" : duration(step.durationMs);
  return step.state === "writing" ? "writes" : "thinks";
}

/** The steps in columns: those of one column ran at once, or were begun before the first of it had ended. */
export function Steps({ model, chosen, choose }: { model: JobModel; chosen?: string | undefined; choose?: (key: string) => void }): JSX.Element {
  if (model.steps.size === 0) return <p class="soft small steps-none">{model.ended ? "It had no steps." : "No step has begun yet."}</p>;
  return (
    <ol class="waves" aria-label="Steps">
      {model.waves.map((wave, index) => (
        <li key={index}>
          {wave.map((key) => {
            const step = model.steps.get(key) as StepView;
            const said = (
              <>
                <span class={`state ${model.ended && step.queued ? "cancelled" : step.state}`}>{key}</span>
                <span class="doing">
                  {doing(step)}
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
export function Drawing({ drawing, model }: { drawing: string; model: JobModel }): JSX.Element {
  const states = new Map<string, string>();
  for (const step of model.steps.values()) {
    const name = step.step.toUpperCase().replaceAll("-", "_");
    for (const token of [name, name.split("_")[0] as string]) states.set(token, worse(states.get(token), step.state));
  }
  const pieces = drawing.split(/([A-Z][A-Z_]{2,})/);
  return (
    <pre class="drawing" tabIndex={0} role="img" aria-label="The pattern, drawn">
      {pieces.map((piece, index) => (index % 2 && states.has(piece) ? <b class={`node ${states.get(piece)}`}>{piece}</b> : piece))}
    </pre>
  );
}

const ORDER = ["completed", "queued", "failed", "retrying", "running", "writing"];

function worse(one: string | undefined, other: string): string {
  return one && ORDER.indexOf(one) > ORDER.indexOf(other) ? one : other;
}
