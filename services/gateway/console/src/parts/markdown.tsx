// Text of a model, as Markdown. It is never HTML: what looks like it is shown as text, and what Markdown makes is
// sanitised once more before it becomes a part of the page.

import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { highlighted } from "./highlight";

/** Characters beyond which a text is shown as it is, and beyond which not all of it. */
const LONGEST_MARKDOWN = 60_000;
const LONGEST_SHOWN = 200_000;

// an image would be asked for from elsewhere: it stays a link
const markdown = new MarkdownIt({ html: false, linkify: false, maxNesting: 30, highlight: highlighted }).disable("image");

const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A") return;
  const to = node.getAttribute("href") ?? "";
  // without its slashes it would lead into this gateway
  if (!/^(https?:\/\/|mailto:)/i.test(to)) node.removeAttribute("href");
  else {
    node.setAttribute("rel", "noopener noreferrer nofollow");
    node.setAttribute("target", "_blank");
    node.setAttribute("title", to);
  }
});
const ALLOWED = "a p br hr em strong s code pre span blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td".split(" ");
const POLICY = { ALLOWED_TAGS: ALLOWED, ALLOWED_ATTR: ["href", "class", "start"], ALLOW_DATA_ATTR: false, RETURN_DOM_FRAGMENT: true };

export function Markdown({ text }: { text: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plain = text.length > LONGEST_MARKDOWN;
  useLayoutEffect(() => {
    if (plain || !place.current) return;
    const made = purify.sanitize(markdown.render(text), POLICY) as unknown as DocumentFragment;
    for (const heading of made.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
      // the page has its own headings
      const bold = document.createElement("p");
      bold.className = "heading";
      bold.append(...heading.childNodes);
      heading.replaceWith(bold);
    }
    for (const code of made.querySelectorAll("pre")) code.tabIndex = 0;
    place.current.replaceChildren(made);
  }, [text, plain]);
  if (!plain) return <div class="prose" ref={place} />;
  const more = text.length - LONGEST_SHOWN;
  return (
    <div class="prose plain">
      {text.slice(0, LONGEST_SHOWN)}
      {more > 0 && <p class="soft">… and {more.toLocaleString("en")} characters more: copy or save the result for all of it.</p>}
    </div>
  );
}
