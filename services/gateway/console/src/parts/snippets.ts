// The request of a form for other places: a shell, Python, JavaScript.

const LANGUAGES = ["curl", "Python", "JavaScript"] as const;
export type Language = (typeof LANGUAGES)[number];
export const languages: readonly Language[] = LANGUAGES;

/** The key itself is never in it: it is taken from PENSTOCK_API_KEY. */
export function snippet(language: Language, pattern: string, body: unknown, withKey: boolean): string {
  const url = `${location.origin}/${pattern}`;
  const json = JSON.stringify(body, null, 2);
  if (language === "curl") {
    const key = withKey ? ` \\\n  -H "Authorization: Bearer $PENSTOCK_API_KEY"` : "";
    const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
    return `curl -N ${url} -H 'Content-Type: application/json' \\\n  -H 'Accept: text/event-stream'${key} \\\n  -d '${quoted}'`;
  }
  if (language === "Python") {
    const text = JSON.stringify(JSON.stringify(body));
    const key = withKey ? `, api_key=os.environ["PENSTOCK_API_KEY"]` : "";
    return [
      "import asyncio",
      "import json",
      ...(withKey ? ["import os"] : []),
      "",
      "from penstock import HttpClient",
      "",
      "async def main():",
      `    async with HttpClient("${location.origin}"${key}) as client:`,
      `        request = json.loads(${text})`,
      `        async for event in client.stream("${pattern}", request):`,
      "            print(event)",
      "",
      "asyncio.run(main())",
    ].join("\n");
  }
  const key = withKey ? "\n    Authorization: `Bearer ${process.env.PENSTOCK_API_KEY}`," : "";
  return [
    `const answer = await fetch("${url}", {`,
    '  method: "POST",',
    `  headers: {\n    "Content-Type": "application/json",\n    Accept: "text/event-stream",${key}\n  },`,
    `  body: JSON.stringify(${json.replaceAll("\n", "\n  ")}),`,
    "});",
    "for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) console.log(piece);",
  ].join("\n");
}
