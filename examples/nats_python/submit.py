"""Submit a job over plain NATS and print its events as they come: python submit.py "Our API answers 502"."""

import asyncio
import json
import os
import sys
import uuid

import nats


async def main(query: str) -> None:
    connection = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    job, seen = str(uuid.uuid4()), set[str]()
    due: dict[str, tuple[int, str, int]] = {}
    events = await connection.subscribe(f"live.default.{job}")  # listen first, then ask
    request = json.dumps({"query": query}).encode()
    await connection.jetstream().publish(f"jobs.default.routing.{job}", request, timeout=5)  # returns once it is stored
    async for event in (json.loads(line) async for message in events.messages for line in message.data.splitlines()):
        if "id" in event:  # the run itself: the same id is the same event, told again
            news = event["id"] not in seen
            seen.add(event["id"])
        else:  # a step: only the next `n` of the newest attempt counts, which `a` and `i` name
            a, i, n = event["a"], event["i"], event["n"]
            newest = due.get(event["k"], (0, "", 0))
            if news := (a, i, n) == newest or (n == 0 and a >= newest[0] and i not in seen):
                due[event["k"]] = a, i, n + 1
                seen.add(i)
        if news and event["type"] in ("delta", "part.reset"):  # a piece of the JSON text of the value at `p`,
            print(event["k"], event["p"], event.get("t", "<anew>"), flush=True)  # or: forget what `k` wrote there
        elif news and event["type"].startswith("job.") and event["type"] != "job.accepted":
            print(json.dumps(event.get("result") or event.get("problem"), indent=2))
            await connection.close()
            sys.exit(event["type"] != "job.completed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
