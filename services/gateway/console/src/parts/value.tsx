// A result, or an input, as its schema and its values say: text as Markdown, objects as lists of their members.

import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isWithin, pointer } from "../job/document";
import { Markdown } from "./markdown";
import { properties, type Schema } from "./schema";
import { label } from "./words";
import "../styles/value.css";

/** What is said of a place beside its value. */
export type Mark = { text: string; state: "growing" | "whole" | "taken"; title?: string };
export type Marks = Map<string, Mark>;

type Shown = { value: unknown; schema?: Schema | undefined; root?: Schema; at?: string; marks?: Marks; depth?: number };

/** Items of an array, and levels, that are shown. */
const MOST_ITEMS = 200;
const DEEPEST = 8;
/** Characters up to which a text is no Markdown, stands beside its name, and shares its line with others. */
const SHORT = 90;
const PARAGRAPH = 400;
const WORD = 32;

/** All members of the root in the order of the schema, those that are still to come as well. */
export function Document({ value, schema, marks = new Map() }: { value: Record<string, unknown>; schema?: Schema | undefined; marks?: Marks }): JSX.Element {
  const known = properties(schema, schema);
  const names = [...Object.keys(known), ...Object.keys(value).filter((name) => !(name in known))];
  return (
    <div class="document">
      {names.map((name) => (
        <Section key={name} name={name} value={value[name]} schema={known[name]} root={schema ?? {}} marks={marks} />
      ))}
    </div>
  );
}

function Section({ name, value, schema, root, marks }: { name: string; value: unknown; schema: Schema | undefined; root: Schema; marks: Marks }): JSX.Element {
  const at = pointer("", name);
  const mark = marks.get(at) ?? together(at, marks);
  const place = useRef<HTMLElement>(null);
  // what was taken back keeps its height: nothing below it jumps
  useLayoutEffect(() => {
    if (mark?.state === "taken" && place.current) place.current.style.minHeight = `${place.current.offsetHeight}px`;
  }, [mark?.state]);
  return (
    <section class={`part ${mark?.state ?? ""} ${value === undefined ? "to-come" : ""}`} ref={place} data-place={at}>
      <h3>
        {label(name)} <Writer mark={mark} />
      </h3>
      {value === undefined ? <p class="soft">–</p> : <Value value={value} schema={schema} root={root} at={at} marks={marks} />}
    </section>
  );
}

/** Who writes what is below a place, and whether some of that is taken back. */
function together(at: string, marks: Marks): Mark | undefined {
  const inner = [...marks].filter(([p]) => isWithin(p, at)).map(([, mark]) => mark);
  if (inner.length === 0) return undefined;
  const [taken, others] = [inner.filter((mark) => mark.state === "taken"), inner.filter((mark) => mark.state !== "taken")];
  const texts = [...new Set(others.map((mark) => mark.text))].slice(-2);
  const state = others.length === 0 ? "taken" : others.some((mark) => mark.state === "growing") ? "growing" : "whole";
  return { text: [...taken.slice(0, 1).map((mark) => mark.text), ...texts].join(", "), state };
}

/** Inside of a section it is said only while it tells more than the section's heading. */
function Inner({ mark }: { mark: Mark | undefined }): JSX.Element | null {
  return mark?.state === "growing" ? <Writer mark={mark} /> : null;
}

function Writer({ mark }: { mark: Mark | undefined }): JSX.Element | null {
  return mark ? (
    <span class={`writer ${mark.state}`} title={mark.title}>
      {mark.text}
    </span>
  ) : null;
}

export function Value({ value, schema, root = schema ?? {}, at = "", marks = new Map(), depth = 0 }: Shown): JSX.Element {
  if (value === null) return <span class="soft">none</span>;
  if (typeof value === "string") {
    return value.length > SHORT || /\n|\*\*|`|^#|^[-*] /m.test(value) ? <Markdown text={value} /> : <span class="text">{value || "–"}</span>;
  }
  if (typeof value !== "object") return <span class="scalar">{String(value)}</span>;
  if (depth >= DEEPEST) return <pre>{JSON.stringify(value, null, 1).slice(0, 10_000)}</pre>;
  const inner = (token: string | number, one: unknown, of: Schema | undefined) => (
    <Value value={one} schema={of} root={root} at={pointer(at, token)} marks={marks} depth={depth + 1} />
  );
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="soft">none</span>;
    if (isWords(value)) return <span class="text">{value.join(", ")}</span>;
    const items = properties(schema, root)["*"];
    const more = value.length - MOST_ITEMS;
    return (
      <>
        <ol class={value.every((item) => typeof item !== "object") ? "items plain" : "items"}>
          {value.slice(0, MOST_ITEMS).map((item, index) => (
            <li key={index} class={marks.get(pointer(at, index))?.state}>
              <Inner mark={marks.get(pointer(at, index))} />
              {inner(index, item, items)}
            </li>
          ))}
        </ol>
        {more > 0 && <p class="soft">… and {more} more</p>}
      </>
    );
  }
  const known = properties(schema, root);
  const members = Object.entries(value);
  if (members.length === 0) return <span class="soft">nothing</span>;
  return (
    <dl class="members">
      {members.map(([name, one]) => (
        <div key={name} class={isShort(one) ? "short" : "long"}>
          <dt>
            {label(name)} <Inner mark={marks.get(pointer(at, name))} />
          </dt>
          <dd class={marks.get(pointer(at, name))?.state}>{inner(name, one, known[name])}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Whether it stands beside its name. */
function isShort(value: unknown): boolean {
  if (typeof value === "string") return value.length <= PARAGRAPH && !value.includes("\n");
  return value === null || typeof value !== "object" || isWords(value);
}

/** A few words that stand in one line. */
function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item.length <= WORD);
}
