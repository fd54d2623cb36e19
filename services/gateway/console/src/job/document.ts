// The result of a job as its events make it: parts that grow in their places (docs/http-api.md, "Result").

import { PartialJson } from "./partial_json";

export type Part = {
  p: string;
  /** The step that writes it; none for what the run itself put there. */
  writer: string | null;
  state: "growing" | "whole";
  text: PartialJson | null;
  value: unknown;
  stale: boolean;
};

export class Document {
  /** By place, in the order in which they began. */
  readonly parts = new Map<string, Part>();
  /** What was taken back and is not written anew yet. */
  readonly taken = new Map<string, unknown>();
  private base: Record<string, unknown> = {};
  private shown: unknown = null;
  private changed = true;

  start(p: string, writer: string): void {
    this.put({ p, writer, state: "growing", text: new PartialJson(), value: undefined, stale: false });
  }

  delta(p: string, t: string): void {
    const part = this.parts.get(p);
    if (!part?.text) return;
    part.text.push(t);
    part.stale = this.changed = true;
  }

  end(p: string): void {
    const part = this.parts.get(p);
    if (!part?.text) return;
    part.value = part.text.value(true);
    Object.assign(part, { state: "whole", text: null, stale: false });
    this.changed = true;
  }

  /** A value that the run itself knows. */
  known(p: string, value: unknown): void {
    this.put({ p, writer: null, state: "whole", text: null, value, stale: false });
  }

  /** What stands at or below `p` is void: all of it, or what `writer` wrote. */
  takeBack(p: string, writer?: string): void {
    for (const part of [...this.parts.values()]) {
      if (!isWithin(part.p, p) || (writer !== undefined && part.writer !== writer)) continue;
      const value = valueOf(part);
      if (value !== undefined) this.taken.set(part.p, value);
      this.parts.delete(part.p);
    }
    this.changed = true;
  }

  /** The whole result, or what a snapshot says: nothing that came before counts. */
  replace(result: Record<string, unknown>, final: boolean): void {
    this.base = result;
    this.taken.clear();
    if (final) {
      for (const part of this.parts.values()) Object.assign(part, { state: "whole", text: null, stale: false });
    } else this.parts.clear();
    this.final = final;
    this.changed = true;
  }

  private final = false;

  /** The result as far as it is known, with what was taken back still in its places. Not to be changed. */
  value(): Record<string, unknown> {
    if (!this.changed) return this.shown as Record<string, unknown>;
    let root: unknown = this.base;
    if (!this.final) {
      for (const [p, value] of this.taken) root = placed(root, tokens(p), value);
      for (const part of this.parts.values()) {
        const value = valueOf(part);
        if (value !== undefined) root = placed(root, tokens(part.p), value);
      }
    }
    this.shown = root;
    this.changed = false;
    return root as Record<string, unknown>;
  }

  private put(part: Part): void {
    for (const p of [...this.parts.keys()]) if (isWithin(p, part.p)) this.parts.delete(p);
    for (const p of [...this.taken.keys()]) if (isWithin(p, part.p)) this.taken.delete(p);
    this.parts.set(part.p, part);
    this.changed = true;
  }
}

function valueOf(part: Part): unknown {
  if (part.stale && part.text) {
    part.value = part.text.value();
    part.stale = false;
  }
  return part.value;
}

export function isWithin(p: string, around: string): boolean {
  return p === around || p.startsWith(`${around}/`);
}

function tokens(p: string): string[] {
  return p.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function pointer(around: string, token: string | number): string {
  return `${around}/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** `root` with `value` in a place; what is around it is copied, not changed. */
function placed(root: unknown, path: string[], value: unknown): unknown {
  const [token, ...rest] = path;
  if (token === undefined) return value;
  const isIndex = /^\d+$/.test(token);
  if (Array.isArray(root) || (isIndex && (root === undefined || root === null))) {
    const items: unknown[] = Array.isArray(root) ? [...root] : [];
    items[Number(token)] = placed(items[Number(token)], rest, value);
    return Array.from(items);
  }
  const members = typeof root === "object" && root !== null ? (root as Record<string, unknown>) : {};
  const inner = Object.hasOwn(members, token) ? members[token] : undefined;
  const copy = { ...members };
  // a member may be called __proto__
  Object.defineProperty(copy, token, { value: placed(inner, rest, value), enumerable: true, configurable: true, writable: true });
  return copy;
}
