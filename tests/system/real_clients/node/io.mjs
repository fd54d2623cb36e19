// How the tests talk to these scripts: one JSON value on standard input, JSON lines on standard output.

export async function given() {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  return JSON.parse(text);
}

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

// Everything that a stream has; `seen` is called with each item.
export async function drain(stream, seen = () => {}) {
  let last;
  for await (const item of stream) {
    seen(item);
    last = item;
  }
  return last;
}
