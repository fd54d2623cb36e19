// A list in pages, the newest first: each page is asked for with the cursor that the one before it had.

import type { ComponentChildren, JSX } from "preact";

type Paged = { cursors: string[]; next: string | null | undefined; turned: (cursors: string[]) => void; children?: ComponentChildren };

/** `cursors`: of the pages behind the first, the last one that of the page which is shown. */
export function Pages({ cursors, next, turned, children }: Paged): JSX.Element {
  return (
    <div class="buttons pages">
      <button type="button" disabled={cursors.length === 0} onClick={() => turned(cursors.slice(0, -1))}>
        Newer
      </button>
      <button type="button" disabled={!next} onClick={() => next && turned([...cursors, next])}>
        Older
      </button>
      {children}
    </div>
  );
}
