// The page around the views: where one can go, the key, and what went wrong with a view.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { key, onUnauthorized, setKey } from "./api/client";
import { Guard } from "./parts/guard";
import { go, href, isId, type Place, usePlace } from "./router";
import { Fleet } from "./views/fleet";
import { Job } from "./views/job";
import { Jobs } from "./views/jobs";
import { Run } from "./views/run";
import { Usage } from "./views/usage";

/** A view is given the place; each is a file of its own in views/. */
const VIEWS: { name: string; title: string; show: (at: Place) => JSX.Element; key: string }[] = [
  { name: "run", title: "Run", show: (at) => <Run at={at} />, key: "r" },
  { name: "jobs", title: "Jobs", show: (at) => (at.rest[0] ? <Job id={at.rest[0]} at={at} /> : <Jobs at={at} />), key: "j" },
  { name: "fleet", title: "Fleet", show: () => <Fleet />, key: "f" },
  { name: "usage", title: "Usage", show: (at) => <Usage at={at} />, key: "u" },
];

export function Frame(): JSX.Element {
  const at = usePlace();
  const [asking, setAsking] = useState<"no" | "missing" | "wrong">("no");
  const [session, setSession] = useState(0);
  const main = useRef<HTMLElement>(null);
  const view = at.rest.every((one) => one === "" || isId(one)) ? VIEWS.find((one) => one.name === at.view) : undefined;

  useEffect(() => onUnauthorized((given) => setAsking(given ? "wrong" : "missing")), []);
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      // leaves a field, so that the next key is one of these
      if (event.key === "Escape") target.blur();
      if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog")) return;
      const chosen = VIEWS.find((one) => one.key === event.key);
      if (chosen) go(href(chosen.name));
    };
    addEventListener("keydown", typed);
    return () => removeEventListener("keydown", typed);
  }, []);
  useEffect(() => {
    document.title = [at.rest[0], view?.title, "Penstock"].filter(Boolean).join(" · ");
  }, [at.view, at.rest[0]]);

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <header class="top">
        <a class="brand" href="#/run">
          Penstock
        </a>
        <nav aria-label="Views">
          {VIEWS.map((one) => (
            <a
              href={href(one.name)}
              aria-current={one === view ? "page" : undefined}
              aria-keyshortcuts={one.key}
              title={`${one.title} (${one.key})`}
            >
              {one.title}
            </a>
          ))}
        </nav>
        <span class="aside">
          {key() && (
            <button class="quiet" onClick={() => (setKey(null), location.reload())}>
              Forget key
            </button>
          )}
          <a href="/docs">API</a>
        </span>
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {asking === "no" ? (
          <Guard key={`${at.view === "run" ? at.view : [at.view, ...at.rest].join("/")}/${session}`}>
            {view ? view.show(at) : <p class="empty">There is no such page.</p>}
          </Guard>
        ) : (
          <KeyForm wrong={asking === "wrong"} given={() => (setAsking("no"), setSession(session + 1))} />
        )}
      </main>
    </>
  );
}

function KeyForm({ wrong, given }: { wrong: boolean; given: () => void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submitted = (event: Event) => {
    event.preventDefault();
    setKey(input.current?.value.trim() || null);
    given();
  };
  return (
    <form class="key" onSubmit={submitted}>
      <h1>This gateway asks for a key</h1>
      <p>{wrong ? "That key is not valid, or not any more." : "It is kept in this tab until you close it."}</p>
      <label>
        Key <input ref={input} type="password" autocomplete="off" spellcheck={false} required placeholder="psk_…" />
      </label>
      <button class="primary">Go on</button>
      <p class="hint">
        <code>penstock keys create NAME</code> makes one; with <code>--admin</code> it shows the fleet, and the jobs of all tenants.
      </p>
    </form>
  );
}
