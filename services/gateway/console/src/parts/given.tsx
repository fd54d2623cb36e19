// What a step was given, what its model was asked, the tools that it called, what came of it: as text, long ones folded.

import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { AskedPrompt, AskedStep, ToolUse, Turn } from "../api/schema";
import { useAsked } from "../api/use";
import type { StepView } from "../job/model";
import { Refused } from "./result";
import { count } from "./words";
import "../styles/given.css";

/** Characters beyond which a text is folded, and which are shown of it. */
const SHORT = 1_500;
const MOST = 200_000;

export function Given({ job, step }: { job: string; step: StepView }): JSX.Element {
  const { value, error, again } = useAsked<AskedStep>(`/jobs/${encodeURIComponent(job)}/steps/${encodeURIComponent(step.key)}`);
  const isOver = step.state === "completed" || step.state === "failed";
  // what came of it is there only then
  useEffect(() => {
    if (isOver && value && value.attempt == null) again();
  }, [isOver, value]);
  if (!value) return error ? <Refused error={error} /> : <p class="soft small">…</p>;
  return (
    <div class="given" aria-label={`What ${step.key} was given`} role="group">
      {value.why && <p class={value.changed ? "notice" : "soft small"}>{value.why}</p>}
      {value.input && <Folded name="Input" text={json(value.input)} />}
      {value.prompt && <Prompt prompt={value.prompt} />}
      {value.tools.length > 0 && <Tools tools={value.tools} />}
      {value.output != null && <Folded name="Output" text={typeof value.output === "string" ? value.output : json(value.output)} />}
      {value.failure && <Folded name="Failure" text={json(value.failure)} />}
    </div>
  );
}

function Prompt({ prompt }: { prompt: AskedPrompt }): JSX.Element {
  const turns = prompt.turns.map((turn) => ({ role: turn.role, text: said(turn) }));
  const length = turns.reduce((all, { text }) => all + text.length, prompt.system.length);
  const last = turns.length - 1;
  return (
    <Section name="Prompt as sent" length={length} open>
      {prompt.changed && <p class="notice">The prompt has changed since: this is what the model would be asked now.</p>}
      {prompt.byCode && <p class="soft small">The step's own code asks the model, and may have asked more than its prompt says.</p>}
      {prompt.system && <Text name="system" text={prompt.system} />}
      {turns.map(({ role, text }, index) => (
        <Text key={index} name={turns.length > 1 ? `${role}, ${index === last ? "last" : index + 1}` : role} text={text} />
      ))}
    </Section>
  );
}

/** A turn in words: its text, its calls, what they were answered. */
function said(turn: Turn): string {
  return turn.parts
    .map((part) => (part.kind === "text" ? part.text : part.kind === "call" ? `calls ${part.name} ${json(part.args)}` : `${part.name} answers ${json(part.output)}`))
    .join("\n");
}

function Tools({ tools }: { tools: ToolUse[] }): JSX.Element {
  const texts = tools.map((one) => ({
    ...one,
    asked: json(one.args),
    answered: one.failure ? `${one.failure.code}: ${one.failure.detail}` : one.output == null ? "no answer" : json(one.output),
  }));
  return (
    <Section name="Tool calls" length={texts.reduce((all, one) => all + one.asked.length + one.answered.length, 0)}>
      <ol class="tools">
        {texts.map((one) => (
          <li key={one.key}>
            <Text name={`${one.name}, ${one.key}`} text={one.asked} />
            <Text name={one.failure ? "failed" : "answered"} text={one.answered} />
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Folded({ name, text }: { name: string; text: string }): JSX.Element {
  return (
    <Section name={name} length={text.length}>
      <Text text={text} />
    </Section>
  );
}

/** `open`: however long it is; its texts scroll. */
function Section({ name, length, open = length <= SHORT, children }: { name: string; length: number; open?: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <details open={open}>
      <summary>
        {name} <span class="soft">{count(length)} characters</span>
      </summary>
      {children}
    </details>
  );
}

function Text({ name, text }: { name?: string; text: string }): JSX.Element {
  const more = text.length - MOST;
  return (
    <>
      {name && <p class="role soft">{name}</p>}
      <pre tabIndex={0}>{text.slice(0, MOST)}</pre>
      {more > 0 && <p class="soft small">… {count(more)} characters more</p>}
    </>
  );
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
