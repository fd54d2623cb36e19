import type { JSX } from "preact";
import type { Place } from "../router";

export function Jobs({ at }: { at: Place }): JSX.Element {
  return <h1>Jobs {at.query.get("pattern")}</h1>;
}
