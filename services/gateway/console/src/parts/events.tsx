// The events of a job as they were received. Only those in sight are in the page, however many there are.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Received } from "../job/model";
import "../styles/events.css";

const ROW = 24;
const AROUND = 12;
/** Characters of an event in a row. */
const LONGEST = 400;

export function Events({ events, filter }: { events: Received[]; filter: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 420 });
  const [chosen, setChosen] = useState<number | null>(null);
  const follows = useRef(true);
  const rows = filter ? events.filter((event) => event.type.includes(filter) || event.data.includes(filter)) : events;
  useEffect(() => {
    const at = box.current;
    if (at && follows.current) at.scrollTop = at.scrollHeight;
  }, [rows.length]);
  const scrolled = () => {
    const at = box.current as HTMLDivElement;
    follows.current = at.scrollTop + at.clientHeight >= at.scrollHeight - ROW;
    setView({ top: at.scrollTop, height: at.clientHeight });
  };
  const first = Math.max(0, Math.floor(view.top / ROW) - AROUND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + AROUND);
  const shown = chosen === null ? undefined : rows[chosen];
  return (
    <>
      <div class="events" ref={box} onScroll={scrolled} tabIndex={0} role="region" aria-label="Events as received">
        <div style={{ height: `${rows.length * ROW}px` }}>
          <ol style={{ transform: `translateY(${first * ROW}px)` }} start={first + 1}>
            {rows.slice(first, last).map((event, index) => (
              <li key={first + index}>
                <button type="button" aria-pressed={chosen === first + index} onClick={() => setChosen(chosen === first + index ? null : first + index)}>
                  <span class="cursor">{event.id || "·"}</span>
                  <span class="type">{event.type}</span>
                  <span class="data">{event.data.slice(0, LONGEST)}</span>
                </button>
              </li>
            ))}
          </ol>
        </div>
      </div>
      {shown && <pre class="event">{pretty(shown.data)}</pre>}
    </>
  );
}

function pretty(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), null, 2).slice(0, 50_000);
  } catch {
    return data.slice(0, 50_000);
  }
}
