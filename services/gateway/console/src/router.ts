// Where the page is: the part of the address behind `#`, so that no path of the API is taken.

import { useLayoutEffect, useState } from "preact/hooks";

export type Place = { view: string; rest: string[]; query: URLSearchParams };

export function place(): Place {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...rest] = path.split("/").map(decoded);
  return { view: view || "run", rest, query: new URLSearchParams(query) };
}

/** Whether the gateway may have given it as a job's id, or a pattern's name: no other text becomes part of a path. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function href(view: string, ...rest: string[]): string {
  return `#/${[view, ...rest].map(encodeURIComponent).join("/")}`;
}

export function go(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, "", to);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = to;
  }
}

export function usePlace(): Place {
  const [at, setAt] = useState(place);
  // not useEffect: that is after the next paint, and what the address becomes until then would be missed
  useLayoutEffect(() => {
    const changed = () => setAt(place());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return at;
}
