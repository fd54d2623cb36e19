// Messages that could not be handled: the newest first, to be looked at, replayed and purged.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, Refusal } from "../api/client";
import type { DeadLetter, DeadLetterPage, Purged, Replayed, ShownDeadLetter } from "../api/schema";
import { useAsked } from "../api/use";
import { href } from "../router";
import { Pages } from "./pages";
import { Refused } from "./result";
import { count, moment } from "./words";

/** Milliseconds between two looks at a page. */
const EVERY = 5_000;

/** `there`: how many there are. */
export function DeadLetters({ there }: { there: number }): JSX.Element {
  const [cursors, setCursors] = useState<string[]>([]);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [sure, setSure] = useState(false);
  const cursor = cursors.at(-1);
  const { value, error, again } = useAsked<DeadLetterPage>(`/dead-letters?limit=20${cursor ? `&cursor=${cursor}` : ""}`, EVERY);
  const purge = async () => {
    setSure(false);
    try {
      await ask<Purged>("/dead-letters?subject=%3E", { method: "DELETE" });
      setRefusal(null);
      setCursors([]);
    } catch (failed) {
      if (!(failed instanceof Refusal)) throw failed;
      setRefusal(failed);
    }
    again();
  };
  if (value && value.letters.length === 0 && !cursor && !value.next) return <p class="soft">There are none.</p>;
  return (
    <>
      <Refused error={refusal ?? error} />
      <ul class="letters">
        {value?.letters.map((letter) => (
          <Letter key={letter.number} letter={letter} changed={again} />
        ))}
      </ul>
      <Pages cursors={cursors} next={value?.next} turned={setCursors}>
        {sure ? (
          <>
            <button type="button" class="danger" onClick={purge}>
              Purge all {count(there)}
            </button>
            <button type="button" class="quiet" onClick={() => setSure(false)}>
              Keep them
            </button>
          </>
        ) : (
          <button type="button" class="quiet" onClick={() => setSure(true)}>
            Purge all …
          </button>
        )}
      </Pages>
    </>
  );
}

function Letter({ letter, changed }: { letter: DeadLetter; changed: () => void }): JSX.Element {
  const [became, setBecame] = useState<Replayed | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [open, setOpen] = useState(false);
  const [sure, setSure] = useState(false);
  const path = `/dead-letters/${letter.number}`;
  const message = useAsked<ShownDeadLetter>(open ? path : null);
  const isStep = letter.stream === "STEPS";
  const again = isStep ? "Replay job of" : "Replay";
  const attempt = async (asked: () => Promise<void>) => {
    try {
      await asked();
      setRefusal(null);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusal(error);
    }
  };
  const replay = () =>
    attempt(async () => setBecame(await ask<Replayed>(`${path}/replay${isStep ? "?wholeJob=true" : ""}`, { method: "POST" })));
  const purge = () =>
    attempt(async () => {
      await ask<Purged>(path, { method: "DELETE" });
      changed();
    });
  return (
    <li>
      <div class="letter">
        <span>
          <span class="state failed">{letter.reason || "unknown"}</span> <span class="soft small">{moment(letter.time)}</span>
        </span>
        <span class="buttons">
          <button type="button" class="quiet" aria-expanded={open} aria-label={`${open ? "Hide message" : "Message"} of letter ${letter.number}`} onClick={() => setOpen(!open)}>
            {open ? "Hide" : "Message"}
          </button>
          <button type="button" class="quiet" aria-label={`${again} letter ${letter.number}`} onClick={replay}>
            {isStep ? "Replay job" : "Replay"}
          </button>
          {sure ? (
            <>
              <button type="button" class="danger" aria-label={`Purge letter ${letter.number}`} onClick={purge}>
                Purge
              </button>
              <button type="button" class="quiet" aria-label={`Keep letter ${letter.number}`} onClick={() => setSure(false)}>
                Keep
              </button>
            </>
          ) : (
            <button type="button" class="quiet" aria-label={`Purge letter ${letter.number} …`} onClick={() => setSure(true)}>
              Purge …
            </button>
          )}
        </span>
      </div>
      <p>{letter.detail}</p>
      <p class="mono soft">{letter.subject}</p>
      {open && message.value && <pre class="message">{message.value.content || "(empty)"}</pre>}
      {became && (
        <p class="notice" role="status">
          {became.new ? "Replayed as " : "It was replayed before, as "}
          <a class="mono" href={href("jobs", became.job)}>
            {became.job}
          </a>
        </p>
      )}
      <Refused error={refusal ?? message.error} />
    </li>
  );
}
