// What can be done with a job, each a button that says what was refused.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, Refusal } from "../api/client";
import type { JobState } from "../api/schema";

export function Cancel({ job }: { job: string }): JSX.Element {
  const [sent, setSent] = useState(false);
  const { refusal, attempt } = useAttempt();
  const cancelled = async () => {
    setSent(true);
    if (!(await attempt(() => ask<JobState>(path(job), { method: "DELETE" })))) setSent(false);
  };
  return (
    <>
      <button type="button" class="danger" disabled={sent} onClick={cancelled}>
        {sent ? "Cancelling" : "Cancel"}
      </button>
      <Said refusal={refusal} />
    </>
  );
}

/** `then`: with the id of the new job. */
export function Retry({ job, then }: { job: string; then: (next: string) => void }): JSX.Element {
  const { refusal, attempt } = useAttempt();
  const retried = async () => {
    const next = await attempt(() => ask<JobState>(`${path(job)}/retry`, { method: "POST" }));
    if (next) then(next.id);
  };
  return (
    <>
      <button type="button" onClick={retried}>
        Retry
      </button>
      <Said refusal={refusal} />
    </>
  );
}

function path(job: string): string {
  return `/jobs/${encodeURIComponent(job)}`;
}

function Said({ refusal }: { refusal: Refusal | null }): JSX.Element | null {
  return refusal && (
    <span class="error" role="alert">
      {refusal.message}
    </span>
  );
}

/** What was refused last; `attempt` gives the answer, or null where there is none. */
function useAttempt(): { refusal: Refusal | null; attempt: <T>(asked: () => Promise<T>) => Promise<T | null> } {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const attempt = async <T,>(asked: () => Promise<T>): Promise<T | null> => {
    try {
      const answer = await asked();
      setRefusal(null);
      return answer;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusal(error);
      return null;
    }
  };
  return { refusal, attempt };
}
