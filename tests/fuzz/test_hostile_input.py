"""What comes in from outside is generated, and mostly wrong: over HTTP, over NATS, and from the model.

Some tens of examples, always the same, or others for as long as PENSTOCK_FUZZ_MINUTES says (`make fuzz`).
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from penstock import jobs
from penstock.contracts.error_codes import REFUSALS
from penstock.jetstream import subjects
from tests.fuzz.fuzzed_system import FAIR, PATTERNS, FuzzedSystem
from tests.fuzz.http_conversations import Conversation, conversations
from tests.fuzz.model_between import WireReply, wire_replies
from tests.fuzz.nats_publications import Publication, publications, publish
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.settling import Settlements

MINUTES = float(os.environ.get("PENSTOCK_FUZZ_MINUTES", "0"))
SEED = int(os.environ.get("PENSTOCK_FUZZ_SEED", "1"))
#: Statuses of 500 and above are answered for these codes only: a job failed, or it is said when to come back.
FAIR_HTTP = FAIR | {code for code, known in REFUSALS.items() if known.status == 503}
_RESPONSE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_JOB = re.compile(rb"(?im)^x-job-id: (\S+)\r$")
_CODE = re.compile(rb'"code":\s?"(\w+)"')

pytestmark = pytest.mark.timeout(120 + MINUTES * 60)

T = TypeVar("T")


def hunt(
    system: FuzzedSystem,
    batches: st.SearchStrategy[list[T]],
    attempt: Callable[[FuzzedSystem, T], Coroutine[Any, Any, str]],
    *,
    examples: int,
) -> None:
    """Try batch after batch, the members of each at once. `attempt` says how it went; what it raises is a finding."""
    began, before = time.monotonic(), system.counts.copy()

    async def at_once(batch: list[T]) -> None:
        for one, result in zip(
            batch, await asyncio.gather(*(attempt(system, one) for one in batch), return_exceptions=True), strict=True
        ):
            if isinstance(result, BaseException):
                system.findings.append(f"{type(result).__name__}: {result}\n  of {one!r}")
            else:
                system.counts[result] += 1

    def example(batch: list[T]) -> None:
        if time.monotonic() - began < MINUTES * 20 or not MINUTES:
            known = len(system.findings)
            system.wait(at_once(batch))
            system.inspect()
            if MINUTES and len(system.findings) > known:
                print(*system.findings[known:], sep="\n", flush=True)

    for number in count(SEED):
        seed(number)(
            settings(
                max_examples=examples,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            )(given(batches)(example))
        )()
        if time.monotonic() - began >= MINUTES * 20 or len(system.findings) > 50:
            break
    system.wait(system.works())
    system.inspect()
    print("\n", dict(sorted((system.counts - before).items())), "MB grown:", system.grown(), "slowest:", system.slowest)
    findings, system.findings = system.findings, []
    assert not findings, "\n".join(findings)


def test_http(system: FuzzedSystem) -> None:
    """No answer is a fault of ours, every connection ends, and health is answered throughout."""
    known = (system.wait(system.submit("routing", b'{"query":"Hello"}')), "chat-1", "none")
    hunt(system, st.lists(conversations(PATTERNS, known), min_size=16, max_size=16), converse, examples=6)


async def converse(system: FuzzedSystem, said: Conversation) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(system.stack.gateway_urls[0].rpartition(":")[2]))
    answer = b""
    try:
        async with asyncio.timeout(PATIENCE):
            sending = asyncio.create_task(_say(said, writer))
            try:
                while piece := await reader.read(65_536):
                    answer += piece
            except ConnectionError:
                pass
            finally:
                sending.cancel()
                await asyncio.wait([sending])
    finally:
        writer.close()
    assert not answer or _RESPONSE.match(answer), answer[:500]
    responses = list(_RESPONSE.finditer(answer))
    for response in responses:
        system.counts[f"HTTP {response[1].decode()}"] += 1
        if response[1] >= b"500":
            code = _CODE.search(answer, response.end())
            assert code, answer[response.start() :][:2000]
            assert code[1].decode() in FAIR_HTTP, answer[response.start() :][:2000]
    return "HTTP conversations"


async def _say(said: Conversation, writer: asyncio.StreamWriter) -> None:
    try:
        for piece in said.pieces:
            writer.write(piece)
            await writer.drain()
        if said.ends:
            writer.write_eof()
    except (ConnectionError, OSError):
        pass  # it was answered before it was all said


def test_nats(system: FuzzedSystem) -> None:
    """Whatever is published as a job is settled and has an end or a dead letter; whatever is asked has an answer."""
    known = (system.wait(system.submit("routing", b'{"query":"Hello"}')), "none", "a")
    hunt(system, st.lists(publications(PATTERNS, known), min_size=8, max_size=8), tell, examples=10)
    page = httpx.get(f"{system.stack.gateway_urls[0]}/jobs?limit=100", trust_env=False).raise_for_status().json()
    assert page["jobs"]


async def tell(system: FuzzedSystem, told: Publication) -> str:
    async with Settlements(system.bus) as settlements:
        answer = await publish(system.stack.nats_url, told)
        if answer.refused or answer.status.endswith(" 503"):
            return f"NATS {answer.refused[:60].strip() or 'no responders'}"
        if told.subject.startswith(b"penstock."):
            assert "internal_error" not in answer.status, answer.status
            assert answer.value, "an empty answer"
            assert answer.value.get("code") != "internal_error", answer.value
            return f"NATS answers {answer.value.get('status')}"
        if "error" in answer.value:
            return f"NATS {answer.value['error'].get('err_code')}"
        if answer.value.get("duplicate"):  # by a Nats-Msg-Id: what it repeats is settled, or never was a job
            return "NATS duplicates"
        await settlements.settled(subjects.JOBS, answer.value["seq"])
    subject = told.subject.decode(errors="replace")
    state = await jobs.look_up(system.bus, named(subject.split(".")[-1]))
    if state is not None and state.ended:
        return f"NATS jobs {state.status}"
    letter = await system.bus.last_from_leader(subjects.dead(subject))
    assert letter, "neither an end nor a dead letter"
    return "NATS dead letters"


Plan = tuple[str, dict[str, WireReply]]


@st.composite
def plans(draw: st.DrawFn, system: FuzzedSystem) -> Plan:
    """A pattern, and what some of its steps get instead of valid replies."""
    name = draw(st.sampled_from(sorted(PATTERNS)))
    steps = [step.name for step in PATTERNS[name].steps if step.name in system.model.valid]
    chosen = draw(st.lists(st.sampled_from(steps), min_size=1, max_size=2, unique=True))
    return name, {step: draw(wire_replies(system.model.valid, step)) for step in chosen}


def test_model_replies(system: FuzzedSystem) -> None:
    """A job whose model answers anything ends once: with a valid result that is what was streamed, or a fair code."""
    hunt(system, st.lists(plans(system), min_size=6, max_size=6), answered, examples=4)


async def answered(system: FuzzedSystem, plan: Plan) -> str:
    name, replies = plan
    job = jobs.new_job_id()
    system.model.replies.update({(job, step): reply for step, reply in replies.items()})
    example = PATTERNS[name].example.model_dump(mode="json", by_alias=True)
    try:
        await system.bus.once(subjects.job(name, named(job)), json.dumps(example).encode())
        how = await system.ends_once(name, job)
    finally:
        for step in replies:
            del system.model.replies[job, step]
            system.counts["model replies"] += system.model.sent.pop((job, step), 0)
    return f"model: {how}"
