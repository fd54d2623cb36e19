"""A model's replies, kept, so that what was measured can be measured again without a key and without cost.

A server stands behind the services' base URL. A reply is known by the model and by the whole request: prompt, schema,
settings, tools. What was not asked before goes to the model and is kept; without one it is answered with an error, and
the case is stale: a changed prompt has no recorded reply.
"""

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from google.genai.types import GenerateContentResponseUsageMetadata as Metadata
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock.errors import Misconfigured
from penstock.llm.usage import usage_of

#: What a case that is stale fails with.
STALE = "no recorded reply"
#: Headers that go on to the model; the body's length and the host are the HTTP client's.
_FORWARDED = ("content-type", "x-goog-api-key", "x-goog-api-client", "user-agent")
_TIMEOUT = httpx2.Timeout(600, connect=10)


class Recording:
    """Replies by request, in a file of one JSON object a line: `{key, number, reply}`.

    `number`: a request that is made several times in a run, to see how much a model varies, has as many replies.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._replies: dict[tuple[str, int], str] = {}
        self._asked: Counter[str] = Counter()
        #: Requests that had no recorded reply.
        self.stale = 0
        #: US dollars at list price of the replies that were not recorded before.
        self.spent = 0.0
        try:
            lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            for line in lines:
                one = json.loads(line)
                self._replies[one["key"], one["number"]] = one["reply"]
        except (ValueError, KeyError) as error:
            raise Misconfigured(f"{file} is no recording: {error!r}") from error

    def next(self, key: str) -> tuple[int, str | None]:
        """The number of this request among equal ones, and its reply if it is there."""
        self._asked[key] += 1
        number = self._asked[key]
        return number, self._replies.get((key, number))

    def keep(self, key: str, number: int, reply: str) -> None:
        """Written at once: an evaluation that is broken off goes on where it was."""
        self._replies[key, number] = reply
        self.spent += cost_of(reply)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "number": number, "reply": reply}, ensure_ascii=False) + "\n")


def cost_of(reply: str) -> float:
    """US dollars at list price, by what the model says of itself in the last event; 0 where the price is not known."""
    *_, last = ["{}", *(line.removeprefix("data: ") for line in reply.splitlines() if line.startswith("data: "))]
    said = json.loads(last)
    if "usageMetadata" not in said:
        return 0.0
    return usage_of(Metadata.model_validate(said["usageMetadata"]), said.get("modelVersion", "")).cost_usd or 0.0


def key_of(path: str, body: bytes) -> str:
    """SHA-256 (hex) of what decides a reply: the path, with the model in it, and the request's JSON."""
    content = json.dumps([path, json.loads(body)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


@asynccontextmanager
async def answering(recording: Recording, upstream: str | None) -> AsyncIterator[Starlette]:
    """The application that answers for a model. `upstream`: where it really is; None to ask nobody."""
    async with httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as http:

        async def answer(request: Request) -> Response:
            body = await request.body()
            key = key_of(request.url.path, body)
            number, reply = recording.next(key)
            if reply is not None:
                return Response(reply, media_type="text/event-stream")
            if upstream is None:
                recording.stale += 1
                error = {"code": 400, "status": "FAILED_PRECONDITION", "message": f"{STALE} for {key[:12]}"}
                return JSONResponse({"error": error}, status_code=400)
            headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
            url = f"{upstream.rstrip('/')}{request.url.path}?{request.url.query}"
            answered = await http.post(url, content=body, headers=headers)
            if answered.status_code == 200:
                recording.keep(key, number, answered.text)
            return Response(answered.content, answered.status_code, media_type=answered.headers.get("content-type"))

        yield Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
