// What a job waits for: the form of a signal, and until when.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, Refusal } from "../api/client";
import type { Waiting } from "../api/schema";
import { type Errors, Fields, Json, OneField } from "./form";
import { properties, resolved, type Schema } from "./schema";
import { label, moment } from "./words";

/** The id of the form for what is waited for under that key. */
export function waitsFor(key: string): string {
  return `waits-for-${key}`;
}

export function WaitsFor({ job, waiting }: { job: string; waiting: Waiting }): JSX.Element {
  const schema = (waiting.bodySchema ?? {}) as Schema;
  const [body, setBody] = useState<unknown>(() => (resolved(schema, schema).properties ? unticked(schema) : undefined));
  const [errors, setErrors] = useState<Errors>(new Map());
  const [said, setSaid] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  if (!waiting.signal) return <p class="notice">The job sleeps until {moment(waiting.until)}.</p>;
  const sent = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    try {
      await ask(`/jobs/${encodeURIComponent(job)}/signals/${encodeURIComponent(waiting.signal as string)}`, { body: body ?? null });
      setSaid(null);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setErrors(new Map((error.problem.errors ?? []).map((one) => [one.pointer, one.detail])));
      setSaid(error.problem.errors?.length ? "It does not fit: see above." : error.message);
      setSending(false);
    }
  };
  const isObject = resolved(schema, schema).properties !== undefined;
  const kind = resolved(schema, schema).type;
  return (
    <form class="waits notice" id={waitsFor(waiting.key)} onSubmit={sent}>
      <h3>The job waits for “{label(waiting.signal)}”</h3>
      <p class="soft small">until {moment(waiting.until)}</p>
      {isObject ? (
        <Fields schema={schema} root={schema} value={body} errors={errors} changed={setBody} marked />
      ) : kind === undefined ? (
        <label>
          Body, as JSON <Json id="signal-body" value={body} changed={setBody} />
        </label>
      ) : (
        <OneField name={waiting.signal} schema={schema} root={schema} value={body} at="" required errors={errors} changed={setBody} />
      )}
      {said && (
        <p class="error" role="alert">
          {said}
        </p>
      )}
      <button class="primary" disabled={sending}>
        {sending ? "Sent" : "Send"}
      </button>
    </form>
  );
}

/** A box that is not ticked says no, as is said beside it. */
function unticked(schema: Schema): Record<string, boolean> {
  const required = resolved(schema, schema).required ?? [];
  const members = Object.entries(properties(schema, schema));
  return Object.fromEntries(members.filter(([name, one]) => one.type === "boolean" && required.includes(name)).map(([name]) => [name, false]));
}
