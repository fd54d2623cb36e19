// Run: choose a pattern, fill in its request, and see its result grow.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, key, Refusal } from "../api/client";
import { useAsked } from "../api/use";
import type { JobState, PatternContract } from "../api/schema";
import { useJob } from "../job/use";
import { Copy } from "../parts/copy";
import { type Errors, Fields, isBroken, Json } from "../parts/form";
import { Refused, Result, Standing, Waits } from "../parts/result";
import { properties, type Schema } from "../parts/schema";
import { languages, snippet } from "../parts/snippets";
import { Drawing, Steps } from "../parts/steps";
import { Cancel, Retry } from "../parts/actions";
import { brief } from "../parts/words";
import { go, href, type Place } from "../router";
import "../styles/run.css";

/** Options that are in sight; the others are behind a fold. */
const IN_SIGHT = ["urgency", "cache"];
/** What a request without a word is. */
const EMPTY = {};

export function Run({ at }: { at: Place }): JSX.Element {
  const patterns = useAsked<Record<string, string>>("/patterns");
  const names = Object.keys(patterns.value ?? {});
  const name = at.rest[0] ?? names[0];
  return (
    <>
      <h1 class="hidden">Run a pattern</h1>
      <Refused error={patterns.error} />
      <nav class="choice patterns" aria-label="Patterns">
        {names.map((one) => (
          <a key={one} href={href("run", one)} title={patterns.value?.[one]} aria-current={one === name ? "page" : undefined}>
            {one}
          </a>
        ))}
      </nav>
      {name && <OnePattern key={name} name={name} job={at.rest[1] ?? null} />}
    </>
  );
}

function OnePattern({ name, job }: { name: string; job: string | null }): JSX.Element {
  const { value: contract, error } = useAsked<PatternContract>(`/patterns/${encodeURIComponent(name)}`);
  const followed = useJob(job);
  const isThere = followed && (followed.model.events.length > 0 || followed.connection === "open" || followed.connection === "lost");
  const shown = isThere ? followed.model : undefined;
  // a job of another pattern is shown with the form and the drawing of its own
  const of = shown?.pattern || name;
  useEffect(() => {
    if (job && of !== name) go(href("run", of, job), { replace: true });
  }, [of, job]);
  return (
    <>
      <Refused error={error} />
      {contract && (
        <div class="run">
          <div class="request">
            <h2 class="hidden">Request</h2>
            <p class="soft">{contract.summary}</p>
            <Request contract={contract} />
          </div>
          <div class="outcome" aria-busy={shown ? !shown.ended : false}>
            <h2 class="hidden">Result</h2>
            {!shown && <Refused error={followed?.error ?? null} />}
            {!shown && !followed?.error && contract.drawing && <Drawing drawing={contract.drawing} />}
            {job && shown && followed && of === name && (
              <>
                <div class="head">
                  <Standing followed={followed} />
                  <span class="buttons">
                    {!shown.ended && <Cancel job={job} />}
                    {(shown.status === "failed" || shown.status === "cancelled") && <Retry job={job} then={(next) => go(href("run", name, next))} />}
                    {shown.status === "completed" && <Copy text={() => JSON.stringify(shown.document.value(), null, 2)}>Copy result</Copy>}
                    <a href={href("jobs", job)} title={job}>
                      Job {brief(job)}
                    </a>
                  </span>
                </div>
                {contract.drawing && <Drawing drawing={contract.drawing} model={shown} />}
                <Steps model={shown} />
                <Waits job={job} model={shown} />
                <Result followed={followed} schema={contract.result as Schema} />
              </>
            )}
          </div>
        </div>
      )}
    </>
  );
}

function Request({ contract }: { contract: PatternContract }): JSX.Element {
  const schema = contract.request as Schema;
  const options = properties(schema, schema).options ?? {};
  const [body, setBody] = useState<Record<string, unknown>>(() => remembered(contract.name) ?? contract.example);
  const [asJson, setAsJson] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [sending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // each is said at its field
  const placed = !asJson && refusal?.problem.errors?.every(({ pointer }) => pointer.slice(1) in properties(schema, schema));
  const errors: Errors = new Map((refusal?.problem.errors ?? []).map((one) => [one.pointer, one.detail]));
  useEffect(() => remember(contract.name, body), [body]);

  const submitted = async (event?: Event) => {
    event?.preventDefault();
    if (isBroken(form.current)) return;
    setSending(true);
    setRefusal(null);
    try {
      const job = await ask<JobState>(`/${encodeURIComponent(contract.name)}`, { body, headers: { Prefer: "respond-async" } });
      go(href("run", contract.name, job.id));
    } catch (error) {
      if (error instanceof Refusal) setRefusal(error);
      else throw error;
    } finally {
      setSending(false);
    }
  };
  const typed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submitted(event);
  };
  const set = (to: unknown) => setBody(to as Record<string, unknown>);
  const setOptions = (to: unknown) => setBody({ ...body, options: to });
  const shared = { root: schema, errors };
  const optional = { ...shared, schema: options, value: body.options, at: "/options", changed: setOptions };
  const names = Object.keys(properties(options, schema));
  return (
    <form ref={form} onSubmit={submitted} onKeyDown={typed} noValidate>
      {asJson ? (
        <div class="field">
          <label for="request-json">Request, as JSON</label>
          <Json id="request-json" rows={16} value={body} changed={set} empty={EMPTY} />
        </div>
      ) : (
        <>
          <Fields {...shared} schema={schema} value={body} changed={set} without={["options"]} />
          <fieldset class="in-sight">
            <legend class="hidden">Options</legend>
            <Fields {...optional} without={names.filter((one) => !IN_SIGHT.includes(one))} />
          </fieldset>
          <details>
            <summary>More options</summary>
            <Fields {...optional} without={IN_SIGHT} />
          </details>
        </>
      )}
      {refusal && (
        <p class="problem" role="alert">
          <strong>{refusal.problem.code}</strong> {placed ? "It does not fit: see above." : refusal.message}
        </p>
      )}
      <div class="buttons">
        <button class="primary" disabled={sending} title="Ctrl+Enter">
          Run
        </button>
        <button type="button" class="quiet" aria-pressed={asJson} onClick={() => isBroken(form.current) || setAsJson(!asJson)}>
          {asJson ? "As a form" : "As JSON"}
        </button>
        <button type="button" class="quiet" onClick={() => setBody(contract.example)}>
          Example
        </button>
      </div>
      <div class="buttons copies">
        <span class="soft small">Copy as</span>
        {languages.map((language) => (
          <Copy key={language} text={() => (isBroken(form.current) ? null : snippet(language, contract.name, body, key() !== null))}>
            {language}
          </Copy>
        ))}
      </div>
    </form>
  );
}

const STORED = "penstock.request.";

/** Fills the form of a pattern, for as long as the tab is there. */
export function remember(pattern: string, body: Record<string, unknown>): void {
  try {
    sessionStorage.setItem(STORED + pattern, JSON.stringify(body));
  } catch {
    sessionStorage.removeItem(STORED + pattern);
  }
}

function remembered(pattern: string): Record<string, unknown> | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORED + pattern) ?? "null") as Record<string, unknown> | null;
  } catch {
    return null;
  }
}
