import type { JSX } from "preact";

export function Fleet(): JSX.Element {
  return <h1>Fleet</h1>;
}
