// The rows of a job's timeline, by the clock of NATS (`GET /jobs/<id>/timeline`).

import type { JobTimeline } from "../api/schema";
import type { Row, Stretch } from "../parts/timeline";
import type { JobModel } from "./model";
import { note } from "./rows";

/** How an attempt ended that was not the last. */
const ENDS = { retried: "tried again", taken_over: "its process was killed or stood still" };

export function rowsOf(timeline: JobTimeline, model: JobModel, now: number): Row[] {
  const until = timeline.endedAt ? Date.parse(timeline.endedAt) : now;
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
      if (before !== undefined) stretches.push({ kind: "queued", from: before, to: from });
      const first = attempt.firstTokenAt ? Date.parse(attempt.firstTokenAt) : undefined;
      if (attempt.end === "cut_off") stretches.push({ kind: "cut", from, to });
      else if (attempt.end && attempt.end !== "completed") stretches.push({ kind: "failed", from, to });
      else {
        stretches.push({ kind: "thinking", from, to: first ?? to });
        if (first !== undefined) stretches.push({ kind: "writing", from: first, to });
      }
      before = to;
    });
    if (attempts.length === 0 && before !== undefined) stretches.push({ kind: "queued", from: before, to: end });
    const lost = attempts.flatMap(({ end, code }) => (end === "retried" || end === "taken_over" ? [`${ENDS[end]}${code ? ` (${code})` : ""}`] : []));
    const said = step.inherited ? ["of the earlier try", ...lost] : lost;
    return { key: step.key, state: view?.state ?? "running", stretches, note: view ? note(view, said, now) : said.join(" · ") };
  });
  for (const wait of timeline.waits) {
    const stretch: Stretch = { kind: "queued", from: Date.parse(wait.beganAt), to: wait.endedAt ? Date.parse(wait.endedAt) : until };
    const said = wait.timedOut ? "nobody said it in time" : wait.signal ? `for “${wait.signal}”` : "for its time";
    rows.push({ key: wait.key, state: wait.endedAt ? "completed" : "waiting", stretches: [stretch], note: said });
  }
  return rows;
}
