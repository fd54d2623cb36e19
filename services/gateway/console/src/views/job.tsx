// Job: what one is doing, or has done, and why it took so long.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Refusal } from "../api/client";
import { byGateway } from "../api/clock";
import type { JobState, JobTimeline, PatternContract } from "../api/schema";
import { useAsked } from "../api/use";
import type { JobModel, StepView } from "../job/model";
import { heard } from "../job/rows";
import { rowsOf } from "../job/times";
import { useJob } from "../job/use";
import { Given } from "../parts/given";
import { Copy } from "../parts/copy";
import { Events } from "../parts/events";
import { Guard } from "../parts/guard";
import { Refused, Result, Standing } from "../parts/result";
import type { Schema } from "../parts/schema";
import { Drawing, Steps } from "../parts/steps";
import { Timeline } from "../parts/timeline";
import { count, duration, moment, money } from "../parts/words";
import { go, href, type Place } from "../router";
import { Value } from "../parts/value";
import { Cancel, remember } from "./run";
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
  const choose = (key: string) => setChosen(chosen === key ? undefined : key);
  const step = chosen === undefined ? undefined : model.steps.get(chosen);
  return (
    <>
      <header class="job-head">
        <div>
          <h1>
            <a href={`${href("jobs")}?pattern=${encodeURIComponent(job.pattern)}`}>{job.pattern}</a> <span class="mono id">{job.id}</span>
          </h1>
          <Standing model={model} />
          <p class="soft small">
            submitted {moment(job.acceptedAt)}
            {job.endedAt && job.acceptedAt && `, ended after ${duration(Date.parse(job.endedAt) - Date.parse(job.acceptedAt))}`}
            {!job.endedAt && job.deadline && `, has until ${moment(job.deadline)}`}
            {job.retryOf && (
              <>
                {" · "}another try at <a href={href("jobs", job.retryOf)}>{job.retryOf.slice(0, 8)}</a>
              </>
            )}
            {job.retriedAs && (
              <>
                {" · "}tried again as <a href={href("jobs", job.retriedAs)}>{job.retriedAs.slice(0, 8)}</a>
              </>
            )}
          </p>
        </div>
        <div class="buttons">
          {!model.ended && <Cancel job={id} />}
          {(model.status === "failed" || model.status === "cancelled") && <Retry job={id} />}
          {model.status === "completed" && <Copy text={() => JSON.stringify(model.document.value(), null, 2)}>Copy result</Copy>}
        </div>
      </header>
      <Part title="Steps">
        {contract?.drawing ? <Drawing drawing={contract.drawing} model={model} /> : <Steps model={model} chosen={chosen} choose={choose} />}
        {model.steps.size > 0 && <Times job={id} model={model} chosen={chosen} choose={choose} />}
        {step && <StepDetails step={step} model={model} />}
        {step && <Given key={step.key} job={id} step={step} />}
      </Part>
      <Asked job={id} contract={contract} />
      <Part title="Result">
        <Result job={id} followed={followed} schema={contract?.result as Schema | undefined} />
      </Part>
      <EventLog model={model} />
    </>
  );
}

function Asked({ job, contract }: { job: string; contract: PatternContract | null }): JSX.Element | null {
  const { value } = useAsked<Record<string, unknown>>(`/jobs/${encodeURIComponent(job)}/request`);
  if (!value || !contract) return null;
  return (
    <Part title="Request">
      <Value value={value} schema={contract.request as Schema} />
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => (remember(contract.name, value), go(href("run", contract.name)))}>
          Run it again, changed
        </button>
      </div>
    </Part>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="job-part">
      <h2>{title}</h2>
      <div class="job-content">
        <Guard>{children}</Guard>
      </div>
    </section>
  );
}

function Times({ job, model, chosen, choose }: { job: string; model: JobModel; chosen: string | undefined; choose: (key: string) => void }): JSX.Element {
  const [now, setNow] = useState(Date.now);
  const { value, again } = useAsked<JobTimeline>(`/jobs/${encodeURIComponent(job)}/timeline`);
  // asked again whenever a step has come further
  const states = [model.status, ...[...model.steps.values()].map((step) => `${step.key} ${step.state} ${step.attempt}`)].join();
  useEffect(() => {
    const timer = setTimeout(again, 300);
    return () => clearTimeout(timer);
  }, [states]);
  useEffect(() => {
    if (model.ended) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [model.ended]);
  return <Timeline rows={value ? rowsOf(value, model, byGateway(now)) : heard(model, now)} chosen={chosen} choose={choose} />;
}

function StepDetails({ step, model }: { step: StepView; model: JobModel }): JSX.Element {
  const places = [...model.document.parts.values()].filter((part) => part.writer === step.key).map((part) => part.p || "/");
  const usage = step.usage;
  const facts: [string, string | undefined][] = [
    ["Step", `${step.step}${step.service && `, by ${step.service}`}`],
    ["State", step.attempt > 1 ? `${step.state}, attempt ${step.attempt}` : step.state],
    ["Model", step.model],
    ["Thinking", step.thinking == null ? undefined : String(step.thinking)],
    ["Time", step.durationMs === undefined ? undefined : duration(step.durationMs)],
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
    <Part title="Events">
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

export function Retry({ job }: { job: string }): JSX.Element {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const retried = async () => {
    try {
      const next = await ask<JobState>(`/jobs/${encodeURIComponent(job)}/retry`, { method: "POST" });
      go(href("jobs", next.id));
    } catch (error) {
      if (error instanceof Refusal) setRefusal(error);
      else throw error;
    }
  };
  return (
    <>
      <button type="button" onClick={retried}>
        Retry
      </button>
      {refusal && <span class="error">{refusal.message}</span>}
    </>
  );
}
