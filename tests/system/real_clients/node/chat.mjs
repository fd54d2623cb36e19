// A chat for each pattern through DefaultChatTransport: a message is sent, and while its answer is being
// written the same chat reconnects, as after a reload of the page. Prints {"reconnected"} once all have, then the
// messages as readUIMessageStream has them at the end.
import { DefaultChatTransport, readUIMessageStream } from "ai";
import { drain, given, say } from "./io.mjs";

const { base, patterns } = await given();
let begun = 0;
const chats = await Promise.all(patterns.map(chat));
say({ chats });

async function chat({ name, text, body, explicit }) {
  const chatId = `chat of ${name}`;
  const transport = new DefaultChatTransport({
    api: `${base}/${name}${explicit ? "?protocol=ui-message" : ""}`,
    body,
    ...(explicit && {
      prepareReconnectToStreamRequest: ({ id }) => ({ api: `${base}/${name}/${encodeURIComponent(id)}/stream` }),
    }),
  });
  const message = { id: "m1", role: "user", parts: [{ type: "text", text }] };
  const sent = read(await transport.sendMessages({ chatId, messages: [message], trigger: "submit-message" }));
  await sent.started;
  const reconnected = read(await transport.reconnectToStream({ chatId }));
  await reconnected.started;
  if ((begun += 1) === patterns.length) say({ reconnected: begun });
  const ends = { name, sent: await sent.ended, reconnected: await reconnected.ended };
  return { ...ends, after: await transport.reconnectToStream({ chatId }) };
}

function read(stream) {
  const { promise: started, resolve } = withResolvers();
  const [once, again] = stream.tee();
  const states = [];
  const ended = Promise.all([
    drain(once, resolve),
    drain(readUIMessageStream({ stream: again, terminateOnError: true }), (state) => states.push(state.parts.length)),
  ]).then(([, message]) => ({ message, states: states.length }));
  return { started, ended };
}

function withResolvers() {
  let resolve;
  const promise = new Promise((found) => (resolve = found));
  return { promise, resolve };
}
