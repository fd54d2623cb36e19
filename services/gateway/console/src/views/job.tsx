// Job: what one is doing, or has done, and why it took so long.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { JobState, JobTimeline, PatternContract } from "../api/schema";
import { useAsked } from "../api/use";
import type { JobModel, StepView } from "../job/model";
import { heard } from "../job/rows";
import { rowsOf } from "../job/times";
import { useJob } from "../job/use";
import { Cancel, Retry } from "../parts/actions";
import { Copy } from "../parts/copy";
import { Given } from "../parts/given";
import { Events } from "../parts/events";
import { Part } from "../parts/part";
import { Refused, Result, Standing, Waits } from "../parts/result";
import type { Schema } from "../parts/schema";
import { Drawing, Steps, useNow } from "../parts/steps";
import { Timeline } from "../parts/timeline";
import { brief, count, duration, moment, money } from "../parts/words";
import { go, href, type Place } from "../router";
import { Value } from "../parts/value";
import { waitsFor } from "../parts/waiting";
import { remember } from "./run";
import "../styles/job.css";

export function Job({ id }: { id: string; at: Place }): JSX.Element {
  const state = useAsked<JobState>(`/jobs/${encodeURIComponent(id)}`);
  const followed = useJob(state.value ? id : null, state.value);
  const pattern = state.value?.pattern;
  const contract = useAsked<PatternContract>(pattern ? `/patterns/${encodeURIComponent(pattern)}` : null).value;
  const [chosen, setChosen] = useState<string | undefined>();
  const model = followed?.model;
  // the state has times, and what became of a retry: asked for once more at the end
  useEffect(() => {
    if (model?.ended && state.value && !state.value.endedAt) state.again();
  }, [model?.ended]);
  const job = state.value;
  if (!job || !followed || !model)
    return (
      <>
        <h1 class="mono">{id}</h1>
        <Refused error={state.error} />
      </>
    );
  const choose = (key: string) => {
    const form = document.getElementById(waitsFor(key));
    if (!form) return setChosen(chosen === key ? undefined : key);
    form.scrollIntoView({ block: "center" });
    form.querySelector<HTMLElement>("input, textarea, select, button")?.focus();
  };
  const step = chosen === undefined ? undefined : model.steps.get(chosen);
  return (
    <>
      <header class="job-head">
        <div>
          <h1>
            <a href={`${href("jobs")}?pattern=${encodeURIComponent(job.pattern)}`}>{job.pattern}</a> <span class="mono id">{job.id}</span>
          </h1>
          <Standing followed={followed} />
          <p class="soft small">
            submitted {moment(job.acceptedAt)}
            {job.endedAt && job.acceptedAt && `, ended after ${duration(Date.parse(job.endedAt) - Date.parse(job.acceptedAt))}`}
            {!job.endedAt && job.deadline && `, has until ${moment(job.deadline)}`}
            {job.retryOf && (
              <>
                {" · "}another try at <a href={href("jobs", job.retryOf)}>{brief(job.retryOf)}</a>
              </>
            )}
            {job.retriedAs && (
              <>
                {" · "}tried again as <a href={href("jobs", job.retriedAs)}>{brief(job.retriedAs)}</a>
              </>
            )}
          </p>
        </div>
        <div class="buttons">
          {!model.ended && <Cancel job={id} />}
          {(model.status === "failed" || model.status === "cancelled") && <Retry job={id} then={(next) => go(href("jobs", next))} />}
          {model.status === "completed" && <Copy text={() => JSON.stringify(model.document.value(), null, 2)}>Copy result</Copy>}
        </div>
      </header>
      <Waits job={id} model={model} />
      <Part name="Steps">
        {contract?.drawing ? <Drawing drawing={contract.drawing} model={model} /> : <Steps model={model} chosen={chosen} choose={choose} />}
        <Times job={id} model={model} chosen={chosen} choose={choose} />
        {step && <StepDetails step={step} model={model} />}
        {step && <Given key={step.key} job={id} step={step} />}
      </Part>
      <Asked job={id} contract={contract} />
      <Part name="Result">
        <Result followed={followed} schema={contract?.result as Schema | undefined} />
      </Part>
      <EventLog model={model} />
    </>
  );
}

function Asked({ job, contract }: { job: string; contract: PatternContract | null }): JSX.Element | null {
  const { value } = useAsked<Record<string, unknown>>(`/jobs/${encodeURIComponent(job)}/request`);
  if (!value || !contract) return null;
  return (
    <Part name="Request">
      <Value value={value} schema={contract.request as Schema} />
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => (remember(contract.name, value), go(href("run", contract.name)))}>
          Run it again, changed
        </button>
      </div>
    </Part>
  );
}

function Times({ job, model, chosen, choose }: { job: string; model: JobModel; chosen: string | undefined; choose: (key: string) => void }): JSX.Element | null {
  const now = useNow(250, !model.ended);
  const { value, again } = useAsked<JobTimeline>(`/jobs/${encodeURIComponent(job)}/timeline`);
  // asked again whenever a step, or a wait, has come further
  const steps = [...model.steps.values()].map((step) => `${step.key} ${step.state} ${step.attempt}`);
  const states = [model.status, ...steps, ...model.waiting.map((wait) => wait.key)].join();
  useEffect(() => {
    const timer = setTimeout(again, 300);
    return () => clearTimeout(timer);
  }, [states]);
  const rows = value ? rowsOf(value, model, now) : heard(model, now);
  return rows.length > 0 ? <Timeline rows={rows} chosen={chosen} choose={choose} /> : null;
}

function StepDetails({ step, model }: { step: StepView; model: JobModel }): JSX.Element {
  const places = [...model.document.parts.values()].filter((part) => part.writer === step.key).map((part) => part.p || "/");
  const usage = step.usage;
  const facts: [string, string | undefined][] = [
    ["Step", `${step.step}${step.service && `, by ${step.service}`}`],
    ["State", step.attempt > 1 ? `${step.state}, attempt ${step.attempt}` : step.state],
    ["Model", step.model],
    ["Thinking", step.thinking == null ? undefined : String(step.thinking)],
    ["Last attempt took", step.durationMs === undefined ? undefined : `${duration(step.durationMs)}, by its own clock`],
    ["Tokens", usage && `${count(usage.promptTokens ?? 0)} in (${count(usage.cachedTokens ?? 0)} cached), ${count(usage.outputTokens ?? 0)} out, ${count(usage.thinkingTokens ?? 0)} thinking`],
    ["Cost", usage && money(usage.costUsd)],
    ["Writes", places.join(", ") || undefined],
    ["Problem", step.problem && `${step.problem.code}: ${step.problem.detail}`],
  ];
  return (
    <dl class="facts" aria-label={`Step ${step.key}`}>
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function EventLog({ model }: { model: JobModel }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState("");
  return (
    <Part name="Events">
      <div class="buttons">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide" : "Show"} {count(model.events.length)} as received
        </button>
        {open && (
          <label class="small">
            Only with <input type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} placeholder="step.retrying" />
          </label>
        )}
      </div>
      {open && <Events events={model.events} filter={filter} />}
    </Part>
  );
}

