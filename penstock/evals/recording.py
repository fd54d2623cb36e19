"""A model's replies, kept, so that what was measured can be measured again without a key and without cost.

A server stands behind the services' base URL. A reply is known by the model and by the whole request: prompt, schema,
settings, tools. What was not asked before goes to the model and is kept; without one it is answered with an error, and
the case is stale: a changed prompt has no recorded reply.
"""

import asyncio
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from penstock.contracts.wire import Tolerant
from penstock.errors import Misconfigured
from penstock.llm.chunk import UsageMetadata as Metadata
from penstock.llm.usage import cost_usd, usage_of

#: What a case that is stale fails with.
STALE = "no recorded reply"
#: Headers that go on to the model; the body's length and the host are the HTTP client's.
_FORWARDED = ("content-type", "x-goog-api-key", "x-goog-api-client", "user-agent")
_TIMEOUT = httpx2.Timeout(600, connect=10)
#: Of a reply; then None, or what broke it off.
_Pieces = asyncio.Queue[bytes | Exception | None]


class _Line(Tolerant):
    key: str
    reply: str


class _Said(Tolerant):
    usage_metadata: Metadata | None = None
    model_version: str = ""


class Recording:
    """Replies by request, in a file of one JSON object a line: `{key, reply}`.

    A request that is made several times in a run, to see how much a model varies, has as many lines, and each is given
    once. A try that failed has no line and takes none. Of a last line that was broken off nothing is left.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._replies: defaultdict[str, list[str]] = defaultdict(list)
        self._given: Counter[str] = Counter()
        #: US dollars at list price of the replies that were not recorded before.
        self.spent = 0.0
        try:
            *lines, rest = file.read_bytes().split(b"\n") if file.exists() else [b""]
        except OSError as error:
            raise Misconfigured(f"{file} is no recording: {error.strerror}") from error
        #: Bytes of the whole lines, where the last one was broken off.
        self._whole = file.stat().st_size - len(rest) if rest else None
        for number, line in enumerate(lines, 1):
            try:
                one = _Line.model_validate_json(line)
            except ValidationError as error:
                raise Misconfigured(f"{file} is no recording: line {number}: {error.errors()[0]['msg']}") from error
            self._replies[one.key].append(one.reply)

    def next(self, key: str) -> str | None:
        """The first reply to this request that was not given yet, if there is one."""
        given = self._given[key]
        if given == len(self._replies[key]):
            return None
        self._given[key] += 1
        return self._replies[key][given]

    def keep(self, key: str, reply: str, asked: str) -> None:
        """A new reply of the model that was `asked`, given to who asked. Written at once: an evaluation that is broken
        off goes on where it was."""
        self._replies[key].append(reply)
        self._given[key] += 1
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._whole is not None:
            os.truncate(self._file, self._whole)
            self._whole = None
        with self._file.open("ab") as file:
            file.write(_Line(key=key, reply=reply).model_dump_json().encode() + b"\n")
        self.spent += cost_of(reply, asked)


def cost_of(reply: str, asked: str) -> float:
    """US dollars at list price, by what is said in the last event: of the version that answered, or else of the model
    that was asked; 0 where neither has one."""
    *_, last = ["{}", *(line.removeprefix("data: ") for line in reply.split("\n") if line.startswith("data: "))]
    try:
        said = _Said.model_validate_json(last)
    except ValidationError:
        return 0.0
    usage = usage_of(said.usage_metadata, said.model_version)
    return usage.cost_usd or cost_usd(usage, asked) or 0.0


def key_of(path: str, body: bytes) -> str:
    """SHA-256 (hex) of what decides a reply: the path, with the model in it, and the request's JSON."""
    content = json.dumps([path, json.loads(body)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


@asynccontextmanager
async def answering(recording: Recording, upstream: str | None) -> AsyncIterator[Starlette]:
    """The application that answers for a model. `upstream`: where it really is; None to ask nobody.

    What the model says is passed on as it comes: the time limits of a call are of the model, not of the recording.
    """
    reading: set[asyncio.Task[None]] = set()
    async with httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as http:

        async def answer(request: Request) -> Response:
            body = await request.body()
            key = key_of(request.url.path, body)
            if (reply := recording.next(key)) is not None:
                return Response(reply, media_type="text/event-stream")
            if upstream is None:
                error = {"code": 400, "status": "FAILED_PRECONDITION", "message": f"{STALE} for {key[:12]}"}
                return JSONResponse({"error": error}, status_code=400)
            headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
            url = f"{upstream.rstrip('/')}{request.url.path}?{request.url.query}"
            asked = http.build_request("POST", url, content=body, headers=headers)
            answered = await http.send(asked, stream=True)
            pieces: _Pieces = asyncio.Queue()
            model = request.url.path.rpartition("/")[2].partition(":")[0]
            reading.add(task := asyncio.create_task(_read(recording, key, model, answered, pieces)))
            task.add_done_callback(reading.discard)
            kind = answered.headers.get("content-type")
            return StreamingResponse(_passed_on(pieces), answered.status_code, media_type=kind)

        try:
            yield Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)


async def _read(recording: Recording, key: str, model: str, answered: httpx2.Response, pieces: _Pieces) -> None:
    """Read a reply to its end, into `pieces` as they come, and keep it if it is whole.

    Also where nobody waits for it any more: it is paid, and in a replay it is the first to this request again.
    """
    reply, end = b"", None
    try:
        async for piece in answered.aiter_bytes():
            reply += piece
            pieces.put_nowait(piece)
        if answered.status_code == 200:
            recording.keep(key, reply.decode(errors="replace"), model)
    except (httpx2.HTTPError, OSError) as error:
        end = error
    finally:
        pieces.put_nowait(end)
        await answered.aclose()


async def _passed_on(pieces: _Pieces) -> AsyncIterator[bytes]:
    """Raises what broke the reply off, so that the server breaks it off as well."""
    while isinstance(piece := await pieces.get(), bytes):
        yield piece
    if piece is not None:
        raise piece
