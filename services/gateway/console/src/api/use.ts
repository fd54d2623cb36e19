// Something that is asked for, as a component sees it; asked again every so often, while the page is shown.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, Refusal } from "./client";

export type Asked<T> = { value: T | null; error: Refusal | null; again: () => void };

/** Statuses of a gateway that is away for a while: no answer, or one of a proxy before it. */
const PASSING = [0, 502, 503, 504];
/** Milliseconds until such a question is asked anew: at first, and at the most. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/** What the gateway cannot answer just now is asked again, less and less often. `path` null: nothing is asked. `every`: milliseconds between an answer and the next question. */
export function useAsked<T>(path: string | null, every = 0): Asked<T> {
  const [state, setState] = useState<{ path: string | null; value: T | null; error: Refusal | null }>({
    path,
    value: null,
    error: null,
  });
  const [count, setCount] = useState(0);
  const timer = useRef(0);
  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    let failures = 0;
    const look = async () => {
      let pause = every;
      try {
        const value = await ask<T>(path, { signal: ending.signal });
        failures = 0;
        setState({ path, value, error: null });
      } catch (error) {
        if (ending.signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal(0, { detail: String(error) });
        setState((before) => ({ path, value: before.path === path ? before.value : null, error: refusal }));
        if (PASSING.includes(refusal.status)) {
          pause ||= Math.min(FIRST_PAUSE * 2 ** failures++, LONGEST_PAUSE);
          addEventListener("online", next, { once: true, signal: ending.signal });
        }
      }
      if (pause && !ending.signal.aborted) timer.current = window.setTimeout(next, pause);
    };
    const next = () => {
      clearTimeout(timer.current);
      removeEventListener("online", next);
      if (document.hidden) document.addEventListener("visibilitychange", next, { once: true, signal: ending.signal });
      else void look();
    };
    void look();
    return () => {
      ending.abort();
      clearTimeout(timer.current);
    };
  }, [path, every, count]);
  const again = useCallback(() => setCount((before) => before + 1), []);
  const current = state.path === path;
  return { value: current ? state.value : null, error: current ? state.error : null, again };
}
