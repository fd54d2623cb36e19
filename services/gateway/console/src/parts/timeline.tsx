// When each step of a job waited, began, wrote and ended, one row a step on one scale of time.

import type { JSX } from "preact";
import { duration } from "./words";
import "../styles/timeline.css";

/** A stretch of a row; times in milliseconds. */
export type Stretch = { kind: "queued" | "thinking" | "writing" | "failed" | "cut"; from: number; to: number };
/** `shut`: there is nothing to open. */
export type Row = { key: string; state: string; stretches: Stretch[]; note: string; shut?: boolean };

const SAID = { queued: "waits", thinking: "to the first token", writing: "writes", failed: "an attempt that failed", cut: "cut off" };

export function Timeline({ rows, chosen, choose }: { rows: Row[]; chosen: string | undefined; choose: (key: string) => void }): JSX.Element {
  const all = rows.flatMap((row) => row.stretches);
  const begin = Math.min(...all.map((one) => one.from));
  const end = Math.max(...all.map((one) => one.to), begin + 1);
  const percent = (time: number) => `${(100 * (time - begin)) / (end - begin)}%`;
  const slowest = rows.reduce((best, row) => (length(row) > length(best) ? row : best), rows[0] as Row);
  return (
    <div class="timeline">
      <ol>
        {rows.map((row) => {
          const cells = (
            <>
              <span class={`state ${row.state}`}>{row.key}</span>
              <span class="track">
                {row.stretches.map((one) => (
                  <span
                    class={`stretch ${one.kind}`}
                    title={`${SAID[one.kind]}: ${duration(one.to - one.from)}`}
                    style={{ left: percent(one.from), width: `max(2px, ${percent(begin + one.to - one.from)})` }}
                  />
                ))}
              </span>
              <span class={row === slowest && rows.length > 1 ? "took slowest" : "took"} title="In all, by the clock of NATS: what it waited, and all attempts">{length(row) ? duration(length(row)) : ""}</span>
              <span class="note">{row.note}</span>
            </>
          );
          return (
            <li key={row.key}>
              {row.shut ? (
                <div class="row">{cells}</div>
              ) : (
                <button type="button" class="row" aria-pressed={chosen === row.key} onClick={() => choose(row.key)}>
                  {cells}
                </button>
              )}
            </li>
          );
        })}
      </ol>
      <p class="legend soft">
        {Object.entries(SAID)
          .filter(([kind]) => all.some((one) => one.kind === kind))
          .map(([kind, said]) => (
            <span key={kind}>
              <span class={`stretch ${kind}`} /> {said}
            </span>
          ))}
        <span class="whole">{duration(end - begin)} in all</span>
      </p>
    </div>
  );
}

function length(row: Row): number {
  const [first, last] = [row.stretches[0], row.stretches.at(-1)];
  return first && last ? last.to - first.from : 0;
}
