// Usage: tokens and money by day, and by pattern, model, step or tenant.

import type { JSX } from "preact";
import { byGateway } from "../api/clock";
import type { UsageReport, UsageRow } from "../api/schema";
import { useAsked } from "../api/use";
import { Bars, type Series } from "../parts/bars";
import { Choice } from "../parts/choice";
import { Figure } from "../parts/part";
import { Refused } from "../parts/result";
import { count, money } from "../parts/words";
import { go, type Place } from "../router";
import "../styles/jobs.css";
import "../styles/usage.css";

const DAY = 86_400_000;
/** Milliseconds between two looks. */
const EVERY = 15_000;
const BY = ["pattern", "model", "step", "tenant"] as const;
type By = (typeof BY)[number];
const SPANS: [string, string][] = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
];
const MEASURES: [string, string][] = [
  ["tokens", "tokens"],
  ["money", "US dollars"],
  ["calls", "calls"],
];
const WASTED = "Wasted are the tokens of attempts that nothing came of: they failed, were cut off, or another one was first.";
/** Groups with a colour of their own; the others are one. */
const MOST = 6;

export function Usage({ at }: { at: Place }): JSX.Element {
  const by = BY.find((one) => one === at.query.get("by")) ?? "pattern";
  const span = Number(SPANS.find(([days]) => days === at.query.get("days"))?.[0] ?? 30);
  const measure = MEASURES.find(([one]) => one === at.query.get("of"))?.[0] ?? "tokens";
  const today = Math.floor(byGateway() / DAY);
  const days = Array.from({ length: span }, (_, index) => new Date((today - span + 1 + index) * DAY).toISOString().slice(0, 10));
  const { value, error } = useAsked<UsageReport>(`/usage?from=${days[0]}&to=${days.at(-1)}&by=day,${by}`, EVERY);
  const set = (name: string, to: string) => {
    const query = new URLSearchParams(at.query);
    query.set(name, to);
    go(`#/usage?${query}`, { replace: true });
  };
  const groups = value ? grouped(value.rows, by) : [];
  const measured = (row: UsageRow) => measures(row)[measure as keyof ReturnType<typeof measures>];
  const said = (amount: number) => (measure === "money" ? money(amount) : count(amount));
  return (
    <>
      <h1 class="hidden">Usage</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Choice name="By" value={by} options={BY.map((one): [string, string] => [one, one])} changed={(to) => set("by", to)} />
        <Choice name="Of the last" value={String(span)} options={SPANS} changed={(to) => set("days", to)} />
        <Choice name="In" value={measure} options={MEASURES} changed={(to) => set("of", to)} />
      </form>
      <Refused error={error} />
      {value && (
        <>
          <dl class="figures">
            <Figure name="Calls">{count(value.total.calls)}</Figure>
            <Figure name="Tokens">{count(measures(value.total).tokens)}</Figure>
            <Figure name="Cost">{money(value.total.costUsd)}</Figure>
            <Figure name="Wasted tokens">{count(tokens(value.total.wasted))}</Figure>
          </dl>
          {groups.length === 0 ? (
            <p class="empty">Nothing was used in these days.</p>
          ) : (
            <>
              <Bars
                labels={days}
                series={series(groups, days, measured)}
                format={said}
                said={`${MEASURES.find(([one]) => one === measure)?.[1]} by day and ${by}; the table below has the sums`}
              />
              <Sums groups={groups} by={by} total={value.total} />
            </>
          )}
          <p class="soft small">{WASTED}</p>
          {by === "pattern" && <p class="soft small">Calls of a pattern that another one has begun are counted as its own, not as those of the one that began it.</p>}
          {value.total.unpricedCalls > 0 && (
            <p class="soft small">No price is known of {count(value.total.unpricedCalls)} calls: their cost is in no sum.</p>
          )}
        </>
      )}
    </>
  );
}

type Amounts = Pick<UsageRow, "promptTokens" | "outputTokens" | "thinkingTokens">;
type Group = { name: string; rows: UsageRow[] };

function tokens(row: Amounts): number {
  return row.promptTokens + row.outputTokens + row.thinkingTokens;
}

function measures(row: UsageRow): { tokens: number; money: number; calls: number } {
  return { tokens: tokens(row), money: row.costUsd ?? 0, calls: row.calls };
}

/** The rows of each, those with the most tokens first. */
function grouped(rows: UsageRow[], by: By): Group[] {
  const found = new Map<string, UsageRow[]>();
  for (const row of rows) {
    const name = row[by] || "unknown";
    found.set(name, [...(found.get(name) ?? []), row]);
  }
  const groups = [...found].map(([name, of]) => ({ name, rows: of }));
  return groups.sort((one, other) => sum(other.rows, tokens) - sum(one.rows, tokens));
}

function sum(rows: UsageRow[], of: (row: UsageRow) => number): number {
  return rows.reduce((all, row) => all + of(row), 0);
}

function series(groups: Group[], days: string[], of: (row: UsageRow) => number): Series[] {
  const own = groups.length > MOST ? groups.slice(0, MOST - 1) : groups;
  const others = groups.slice(own.length).flatMap(({ rows }) => rows);
  const all = others.length ? [...own, { name: "all others", rows: others }] : own;
  return all.map(({ name, rows }) => ({
    name,
    values: days.map((day) => sum(rows.filter((row) => row.day === day), of)),
  }));
}

function Sums({ groups, by, total }: { groups: Group[]; by: By; total: UsageRow }): JSX.Element {
  const cost = (rows: UsageRow[]) => (rows.some((row) => row.costUsd !== null && row.costUsd !== undefined) ? sum(rows, (row) => row.costUsd ?? 0) : null);
  const cells = (rows: UsageRow[]) => (
    <>
      <td class="number">{count(sum(rows, (row) => row.calls))}</td>
      <td class="number roomy">{count(sum(rows, (row) => row.promptTokens))}</td>
      <td class="number roomy">{count(sum(rows, (row) => row.outputTokens))}</td>
      <td class="number roomy">{count(sum(rows, (row) => row.thinkingTokens))}</td>
      <td class="number">{count(sum(rows, tokens))}</td>
      <td class="number roomy">{count(sum(rows, (row) => tokens(row.wasted)))}</td>
      <td class="number">{money(cost(rows))}</td>
    </>
  );
  return (
    <table class="sums">
      <thead>
        <tr>
          <th>{by.charAt(0).toUpperCase() + by.slice(1)}</th>
          <th class="number">Calls</th>
          <th class="number roomy">Prompts</th>
          <th class="number roomy">Output</th>
          <th class="number roomy">Thinking</th>
          <th class="number">Tokens</th>
          <th class="number roomy">Wasted</th>
          <th class="number">Cost</th>
        </tr>
      </thead>
      <tbody>
        {groups.map(({ name, rows }) => (
          <tr key={name}>
            <td>{name}</td>
            {cells(rows)}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td>All</td>
          {cells([total])}
        </tr>
      </tfoot>
    </table>
  );
}
