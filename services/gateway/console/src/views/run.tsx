import type { JSX } from "preact";
import type { Place } from "../router";

export function Run({ at }: { at: Place }): JSX.Element {
  return <h1>Run {at.rest[0]}</h1>;
}
