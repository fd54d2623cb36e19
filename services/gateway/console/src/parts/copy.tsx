import type { JSX } from "preact";
import { useState } from "preact/hooks";

/** A button that puts `text()` on the clipboard, and says so. */
export function Copy({ text, children = "Copy" }: { text: () => string; children?: string }): JSX.Element {
  const [said, setSaid] = useState("");
  const copied = async () => {
    try {
      await navigator.clipboard.writeText(text());
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
