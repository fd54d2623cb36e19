// A form from a JSON Schema. What it has no control for is written as JSON.

import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pointer } from "../job/document";
import { properties, resolved, type Schema } from "./schema";
import { label } from "./words";
import "../styles/form.css";

/** What is wrong, by place. */
export type Errors = Map<string, string>;

/** Levels that have fields; below them it is JSON: a schema may hold itself. */
const DEEPEST = 6;

type Field = {
  name: string;
  schema: Schema;
  root: Schema;
  value: unknown;
  at: string;
  required: boolean;
  errors: Errors;
  changed: (value: unknown) => void;
  /** Whether it is said what has to be filled in: where nothing is, to begin with. */
  marked?: boolean | undefined;
};

/** Fields of all members of an object but those of `without`. */
export function Fields({ schema, root, value, at = "", errors, changed, without = [], marked }: Omit<Field, "name" | "required" | "at"> & { at?: string; without?: string[] }): JSX.Element {
  const whole = resolved(schema, root);
  const members = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const set = (name: string, to: unknown) => {
    const { [name]: _, ...rest } = members;
    changed(to === undefined ? rest : { ...members, [name]: to });
  };
  return (
    <>
      {Object.entries(properties(whole, root))
        .filter(([name]) => !without.includes(name))
        .map(([name, inner]) => (
          <OneField
            key={name}
            name={name}
            schema={inner}
            root={root}
            value={members[name]}
            at={pointer(at, name)}
            required={whole.required?.includes(name) ?? false}
            errors={errors}
            changed={(to) => set(name, to)}
            marked={marked}
          />
        ))}
    </>
  );
}

export function OneField(field: Field): JSX.Element {
  const { name, root, value, at, required, errors, changed, marked } = field;
  const schema = resolved(field.schema, root);
  const id = useId();
  const error = errors.get(at);
  const kind = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  const hint = schema.description ?? (marked && kind === "boolean" ? "Not ticked is sent as no." : "");
  const controls = {
    id,
    "aria-describedby": error || hint ? `${id}-said` : undefined,
    "aria-invalid": error ? true : undefined,
    required: required && kind !== "string",
  };
  const framed = (control: ComponentChildren, beside = false) => (
    <div class={`field ${beside ? "beside" : ""} ${error ? "wrong" : ""} ${marked && required && !beside ? "needed" : ""}`}>
      {!beside && <label for={id}>{label(name)}</label>}
      {control}
      {beside && <label for={id}>{label(name)}</label>}
      {(error || hint) && (
        <p id={`${id}-said`} class={error ? "error" : "hint"}>
          {error ?? <Said text={hint} />}
        </p>
      )}
    </div>
  );
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices) {
    return framed(
      <select {...controls} value={choices.indexOf(value ?? schema.default)} onChange={(event) => changed(choices[Number(event.currentTarget.value)])}>
        {(value ?? schema.default) == null && <option value={-1}>–</option>}
        {!required && value != null && schema.default == null && <option value={-1}>–</option>}
        {choices.map((choice, index) => (
          <option value={index}>{String(choice)}</option>
        ))}
      </select>,
    );
  }
  if (kind === "boolean") {
    return framed(<input {...controls} type="checkbox" required={false} checked={(value ?? schema.default) === true} onChange={(event) => changed(event.currentTarget.checked)} />, true);
  }
  if (kind === "number" || kind === "integer") {
    const typed = (text: string) => changed(text === "" ? undefined : Number(text));
    return framed(
      <input {...controls} type="number" step={kind === "integer" ? 1 : "any"} value={typeof value === "number" ? value : ""} onInput={(event) => typed(event.currentTarget.value)} />,
    );
  }
  if (kind === "string") {
    const typed = (text: string) => changed(text === "" && !required ? undefined : text);
    const text = typeof value === "string" ? value : "";
    const isShort = (schema.maxLength ?? 1_000_000) <= 256 || schema.format === "uri";
    return framed(
      isShort ? (
        <input {...controls} type="text" value={text} onInput={(event) => typed(event.currentTarget.value)} />
      ) : (
        <textarea {...controls} spellcheck={false} rows={2} value={text} onInput={(event) => typed(event.currentTarget.value)} />
      ),
    );
  }
  const isDeep = at.split("/").length > DEEPEST;
  if (kind === "array" && schema.items && !isDeep) return <Items {...field} schema={schema} />;
  if (kind === "object" && schema.properties && !isDeep) {
    const whole = (
      <fieldset class="group">
        <legend>{label(name)}</legend>
        <Fields schema={schema} root={root} value={value} at={at} errors={errors} changed={changed} marked={marked} />
      </fieldset>
    );
    if (required || value !== undefined) return whole;
    return <Absent name={name} begin={() => changed({})} />;
  }
  return framed(<Json id={id} value={value} changed={changed} />);
}

/** A description: what stands between backticks is code. */
function Said({ text }: { text: string }): JSX.Element {
  return <>{text.split(/`([^`]+)`/).map((piece, index) => (index % 2 ? <code>{piece}</code> : piece))}</>;
}

function Absent({ name, begin }: { name: string; begin: () => void }): JSX.Element {
  return (
    <div class="field">
      <button type="button" class="quiet" onClick={begin}>
        {label(name)} …
      </button>
    </div>
  );
}

function Items({ name, schema, root, value, at, errors, changed }: Field): JSX.Element {
  const items = Array.isArray(value) ? value : [];
  const put = (index: number, to: unknown) => changed(items.map((item, at) => (at === index ? to : item)));
  return (
    <fieldset class="group">
      <legend>{label(name)}</legend>
      {items.map((item, index) => (
        <div class="item" key={index}>
          <OneField name={`${name} ${index + 1}`} schema={schema.items as Schema} root={root} value={item} at={pointer(at, index)} required errors={errors} changed={(to) => put(index, to)} />
          <button type="button" class="quiet" aria-label={`Remove ${label(name)} ${index + 1}`} onClick={() => changed(items.filter((_, at) => at !== index))}>
            Remove
          </button>
        </div>
      ))}
      <button type="button" class="quiet" onClick={() => changed([...items, blank(resolved(schema.items, root))])}>
        Add one
      </button>
    </fieldset>
  );
}

function blank(schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default;
  const made: Record<string, unknown> = { string: "", number: 0, integer: 0, boolean: false, array: [], object: {} };
  return schema.enum?.[0] ?? made[String(schema.type)] ?? null;
}

type JsonField = { id: string; value: unknown; changed: (value: unknown) => void; rows?: number; empty?: unknown };

/** A value as JSON; nothing is changed while it is none, which `isBroken` tells. `empty`: what no text at all stands for. */
export function Json({ id, value, changed, rows = 4, empty }: JsonField): JSX.Element {
  const [text, setText] = useState(() => written(value));
  const [wrong, setWrong] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  // a value that did not come of this text takes its place
  const own = useRef(value);
  if (own.current !== value) {
    own.current = value;
    setText(written(value));
    setWrong("");
  }
  useLayoutEffect(() => field.current?.setCustomValidity(wrong), [wrong]);
  const typed = (given: string) => {
    setText(given);
    try {
      own.current = given.trim() === "" ? empty : JSON.parse(given);
      setWrong("");
      changed(own.current);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : "no JSON");
    }
  };
  return (
    <>
      <textarea
        id={id}
        ref={field}
        class="mono json"
        spellcheck={false}
        rows={rows}
        value={text}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        onInput={(event) => typed(event.currentTarget.value)}
      />
      {wrong && (
        <p id={`${id}-wrong`} class="error">
          {wrong}
        </p>
      )}
    </>
  );
}

function written(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** Whether a text of a form is no JSON: what the form holds is not what stands there. The first of them has the focus then. */
export function isBroken(form: HTMLFormElement | null): boolean {
  const field = form?.querySelector<HTMLTextAreaElement>("textarea.json:invalid");
  field?.focus();
  return Boolean(field);
}
