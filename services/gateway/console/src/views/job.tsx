import type { JSX } from "preact";
import type { Place } from "../router";

export function Job({ id }: { id: string; at: Place }): JSX.Element {
  return <h1>Job {id}</h1>;
}
