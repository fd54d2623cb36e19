// The hook useChat in React: a message is sent, and another page with the same chat resumes while it is answered.
// Prints {"begun"} once both show something of the answer, then the messages that both show at the end.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createElement } from "react";
import { create } from "react-test-renderer";
import { given, say } from "./io.mjs";

const { api, id, text } = await given();
const page = await open({ resume: false });
const sent = page.chat().sendMessage({ text });
await page.until(({ messages }) => messages.at(-1)?.role === "assistant");
const reloaded = await open({ resume: true });
await reloaded.until(({ messages }) => messages.at(-1)?.role === "assistant");
say({ begun: true });
await sent;
for (const one of [page, reloaded]) await one.until(({ status }) => status === "ready");
say({ page: page.chat().messages, reloaded: reloaded.chat().messages, error: page.chat().error });

async function open({ resume }) {
  let chat;
  let watch = () => {};
  const transport = new DefaultChatTransport({ api });
  await new Promise((rendered) => {
    function Chat() {
      chat = useChat({ id, transport, resume });
      watch();
      rendered();
      return null;
    }
    create(createElement(Chat));
  });
  const until = (reached) =>
    new Promise((resolve) => {
      watch = () => reached(chat) && resolve();
      watch();
    });
  return { chat: () => chat, until };
}
