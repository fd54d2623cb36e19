// What views are made of: parts with a name beside them, and figures in a row.

import type { ComponentChildren, JSX } from "preact";
import { Guard } from "./guard";
import "../styles/job.css";

type Named = { name: string; title?: string; children: ComponentChildren };

export function Part({ name, children }: Named): JSX.Element {
  return (
    <section class="job-part">
      <h2>{name}</h2>
      <div class="job-content">
        <Guard>{children}</Guard>
      </div>
    </section>
  );
}

/** `title`: what it is, for who asks. */
export function Figure({ name, title, children }: Named): JSX.Element {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
