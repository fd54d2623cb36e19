// The rows of a job's timeline, by the clock of NATS (`GET /jobs/<id>/timeline`).

import { byGateway } from "../api/clock";
import type { JobTimeline } from "../api/schema";
import type { Row, Stretch } from "../parts/timeline";
import type { JobModel } from "./model";
import { note } from "./rows";

/** How an attempt ended that was not the last. */
const ENDS = { retried: "tried again", taken_over: "its process was killed or stood still" };

export function rowsOf(timeline: JobTimeline, model: JobModel, now: number): Row[] {
  const until = timeline.endedAt ? Date.parse(timeline.endedAt) : byGateway(now);
  // two clocks agree only so far
  const stretch = (kind: Stretch["kind"], from: number, to: number): Stretch => ({ kind, from, to: Math.max(from, to) });
  const rows: Row[] = timeline.steps.map((step) => {
    const view = model.steps.get(step.key);
    const { attempts } = step;
    const end = step.endedAt ? Date.parse(step.endedAt) : until;
    const stretches: Stretch[] = [];
    let before = step.dispatchedAt ? Date.parse(step.dispatchedAt) : undefined;
    attempts.forEach((attempt, index) => {
      const from = Date.parse(attempt.startedAt);
      const next = attempts[index + 1];
      const to = attempt.endedAt ? Date.parse(attempt.endedAt) : next ? Date.parse(next.startedAt) : end;
      if (before !== undefined) stretches.push(stretch("queued", before, from));
      const first = attempt.firstTokenAt ? Date.parse(attempt.firstTokenAt) : undefined;
      if (attempt.end === "cut_off") stretches.push(stretch("cut", from, to));
      else if (attempt.end && attempt.end !== "completed") stretches.push(stretch("failed", from, to));
      else {
        stretches.push(stretch("thinking", from, first ?? to));
        if (first !== undefined) stretches.push(stretch("writing", first, to));
      }
      before = to;
    });
    if (attempts.length === 0 && before !== undefined) stretches.push(stretch("queued", before, end));
    const lost = attempts.flatMap(({ end, code }) => (end === "retried" || end === "taken_over" ? [`${ENDS[end]}${code ? ` (${code})` : ""}`] : []));
    const said = step.inherited ? ["of the earlier try", ...lost] : lost;
    return { key: step.key, state: view?.state ?? "running", stretches, note: view ? note(view, said, now) : said.join(" · ") };
  });
  for (const wait of timeline.waits) {
    const waited = stretch("queued", Date.parse(wait.beganAt), wait.endedAt ? Date.parse(wait.endedAt) : until);
    const said = wait.timedOut ? "nobody said it in time" : wait.signal ? `for “${wait.signal}”` : "for its time";
    rows.push({ key: wait.key, state: wait.endedAt ? "completed" : "waiting", stretches: [waited], note: said, shut: Boolean(wait.endedAt) });
  }
  return rows.sort((one, other) => began(one) - began(other));
}

/** A row without a stretch has not begun. */
function began(row: Row): number {
  return row.stretches[0]?.from ?? Number.MAX_VALUE;
}
