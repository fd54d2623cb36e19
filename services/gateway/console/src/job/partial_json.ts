// A JSON text that still grows, as the value that it is so far.

/** What has come of one JSON text. A string is shown as far as it has come, a number or a word once it is whole. */
export class PartialJson {
  /** Put together only where the value is asked for: each piece is looked at once. */
  private pieces: string[] = [];
  private read = 0;
  /** The longest beginning of the text that `closers` make a value. */
  private cut = 0;
  private open: ("}" | "]")[] = [];
  private inside: "nothing" | "key" | "string" | "token" = "nothing";
  private escape = 0;
  private wantsKey = false;

  push(piece: string): void {
    this.pieces.push(piece);
    for (let index = 0; index < piece.length; index++) this.step(piece[index] as string, this.read++);
  }

  /** undefined where nothing can be shown yet. */
  value(ended = false): unknown {
    const text = this.pieces.join("");
    this.pieces = [text];
    try {
      if (ended) return JSON.parse(text);
      if (this.cut === 0) return undefined;
      const quote = this.inside === "string" ? '"' : "";
      return JSON.parse(text.slice(0, this.cut) + quote + this.open.toReversed().join(""));
    } catch {
      return undefined;
    }
  }

  private step(c: string, at: number): void {
    if (this.inside === "key" || this.inside === "string") {
      if (this.escape > 0) this.escape = c === "u" && this.escape === 1 ? 5 : this.escape === 1 ? 0 : nextEscape(this.escape);
      else if (c === "\\") this.escape = 1;
      else if (c === '"') {
        if (this.inside === "string") this.cut = at + 1;
        this.inside = "nothing";
        return;
      }
      if (this.inside === "string" && this.escape === 0) this.cut = at + 1;
      return;
    }
    if (this.inside === "token" && /[\s,\]}]/.test(c)) {
      this.inside = "nothing";
      this.cut = at;
    }
    if (c === "{" || c === "[") {
      this.open.push(c === "{" ? "}" : "]");
      this.wantsKey = c === "{";
      this.cut = at + 1;
    } else if (c === "}" || c === "]") {
      this.open.pop();
      this.wantsKey = false;
      this.cut = at + 1;
    } else if (c === ",") this.wantsKey = this.open.at(-1) === "}";
    else if (c === ":") this.wantsKey = false;
    else if (c === '"') {
      this.inside = this.wantsKey ? "key" : "string";
      if (!this.wantsKey) this.cut = at + 1;
    } else if (!/\s/.test(c)) this.inside = "token";
  }
}

/** 5, 4, 3, 2: a digit behind `\u` is to come; then it is over. 1 is behind the backslash. */
function nextEscape(left: number): number {
  return left === 2 ? 0 : left - 1;
}
