// A job as a component sees it: followed while it is shown, drawn as often as drawing is quick, kept over a reload.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { key, Refusal } from "../api/client";
import { follow } from "../api/events";
import type { JobState } from "../api/schema";
import { JobModel, type Received } from "./model";

/** Characters of events that are kept in the tab for a reload; a job with more is read from its beginning. */
const KEPT = 1_500_000;
const STORED = "penstock.job.";
/** After these the job is none of this reader's, or not any more. */
const NOT_OURS = [401, 403, 404];

export type Followed = { model: JobModel; connection: "opening" | "open" | "lost" | "over"; error: Refusal | null };

/** `job` null: none. `known`: how it is, for what its events do not tell any more. */
export function useJob(job: string | null, known: JobState | null = null): Followed | null {
  const [state, setState] = useState<(Followed & { job: string }) | null>(null);
  const [, draw] = useState(0);
  const drawing = useRef({ timer: 0, began: 0, pause: 16 });

  // what took long to draw is drawn less often
  useLayoutEffect(() => {
    const { began } = drawing.current;
    if (began) drawing.current.pause = Math.max(16, 4 * (performance.now() - began));
    drawing.current.began = 0;
  });

  useEffect(() => {
    if (job === null) return;
    const ending = new AbortController();
    const model = new JobModel();
    const holder = key();
    for (const event of kept(job)) model.apply(event, false);
    if (known) model.begin(known);
    const shown: Followed & { job: string } = { job, model, connection: "opening", error: null };
    setState({ ...shown });
    const redraw = () => {
      drawing.current.timer ||= window.setTimeout(() => {
        drawing.current.timer = 0;
        drawing.current.began = performance.now();
        draw((count) => count + 1);
      }, drawing.current.pause);
    };
    const told = (change: Partial<Followed>) => {
      if (!ending.signal.aborted) setState({ ...Object.assign(shown, change) });
    };
    // the first piece is what had happened before
    let pieces = 0;
    const following = follow({
      job,
      after: () => model.cursor,
      signal: ending.signal,
      connection: (connection) => told({ connection }),
      received: (events) => {
        const live = pieces++ > 0;
        for (const event of events) model.apply(event, live);
        redraw();
      },
    });
    following.then(
      () => told({ connection: "over" }),
      (failed) => {
        const error = failed instanceof Refusal ? failed : new Refusal(0, { detail: String(failed) });
        told({ connection: "over", error, ...(NOT_OURS.includes(error.status) && { model: new JobModel() }) });
      },
    );
    addEventListener("pagehide", () => key() === holder && keep(job, shown.model), { signal: ending.signal });
    return () => {
      ending.abort();
      clearTimeout(drawing.current.timer);
      drawing.current.timer = 0;
    };
  }, [job]);
  return state?.job === job ? state : null;
}

function keep(job: string, model: JobModel): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(STORED)) sessionStorage.removeItem(name);
  const size = model.events.reduce((sum, event) => sum + event.data.length + 60, 0);
  if (size > KEPT || model.events.length === 0) return;
  try {
    sessionStorage.setItem(STORED + job, JSON.stringify(model.events));
  } catch {
    // no room: it is read from its beginning
  }
}

function kept(job: string): Received[] {
  try {
    return JSON.parse(sessionStorage.getItem(STORED + job) ?? "[]") as Received[];
  } catch {
    return [];
  }
}
