// The hook useObject in React, once for each pattern, with the result's own schema (as the gateway serves it)
// turned into a zod one. Prints what the hook showed and how it ended.
import { experimental_useObject as useObject } from "@ai-sdk/react";
import { createElement } from "react";
import { create } from "react-test-renderer";
import { fromJSONSchema } from "zod";
import { contradiction } from "./growth.mjs";
import { given, say } from "./io.mjs";

const { base, patterns } = await given();
say(await Promise.all(patterns.map(run)));

async function run({ name, body, headers }) {
  const contract = await (await fetch(`${base}/patterns/${name}`)).json();
  const schema = fromJSONSchema(contract.result);
  const shown = [];
  const wrong = [];
  let hook;
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  let loading = false;
  let loaded;
  const rendered = new Promise((resolve) => (loaded = resolve)); // with the last object: onFinish comes before that
  await new Promise((mounted) => {
    function Result() {
      hook = useObject({
        api: `${base}/${name}`,
        schema,
        headers,
        onFinish: ({ object, error }) => end({ object, invalid: error && String(error) }),
        onError: (error) => end({ error: String(error) }),
      });
      if (hook.object !== undefined && hook.object !== shown.at(-1)) {
        const why = contradiction(shown.at(-1), hook.object);
        if (why !== undefined) wrong.push(why);
        shown.push(hook.object);
      }
      mounted();
      if (loading && !hook.isLoading) loaded();
      loading = hook.isLoading;
      return hook.isLoading ? "…" : null;
    }
    create(createElement(Result));
  });
  const submitted = hook.submit(body);
  const outcome = await ended;
  await submitted;
  if (outcome.object !== undefined) await rendered;
  return { name, ...outcome, shown: shown.length, last: shown.at(-1), wrong };
}
