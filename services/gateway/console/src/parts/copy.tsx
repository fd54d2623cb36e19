import type { JSX } from "preact";
import { useState } from "preact/hooks";

/** A button that puts `text()` on the clipboard, and says so; null: there is nothing to copy now. */
export function Copy({ text, children = "Copy" }: { text: () => string | null; children?: string }): JSX.Element {
  const [said, setSaid] = useState("");
  const copied = async () => {
    const given = text();
    if (given === null) return;
    try {
      await navigator.clipboard.writeText(given);
      setSaid("Copied");
    } catch {
      setSaid("Not allowed here");
    }
    setTimeout(() => setSaid(""), 1_500);
  };
  return (
    <button type="button" class="copy" onClick={copied} aria-live="polite">
      {said || children}
    </button>
  );
}
