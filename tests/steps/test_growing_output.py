"""What a sink makes of a model's text before anything of it is published."""

import asyncio
import time

import pytest

from penstock.contracts.events import Delta, Event
from penstock.contracts.wire import Wire
from penstock.jetstream.event_log import EventLog
from penstock.steps.parts import PartSink
from tests.steps.step_harness import StepHarness
from tests.support.naming import named


class Draft(Wire):
    text: str


@pytest.mark.parametrize(
    ("output", "chunks", "value"),
    [
        (str, ["a \ud83d", "\ude00"], "a 😀"),
        (str, ["a \ud83d"], "a \ufffd"),
        (Draft, ['{"text":"\ud83d', '\ude00"}'], {"text": "😀"}),
        (Draft, ['{"text":"\ud83d', '"}'], {"text": "\ufffd"}),
    ],
)
async def test_characters_that_are_cut_in_half_are_put_together(
    harness: StepHarness, output: type, chunks: list[str], value: object
) -> None:
    log = EventLog(harness.bus, named("unpublished"))
    sink = PartSink(log, {"k": "draft-1", "a": 1, "i": "one"}, into=None, output=output, flush_interval=0)
    for chunk in chunks:
        sink.text(chunk)
    assert sink.finish(None) == value


async def test_a_process_that_is_late_joins_more_in_one_delta() -> None:
    """The first piece goes at once all the same."""
    sent: list[Event] = []
    interval = 0.05

    class Log:
        def send(self, event: Event, *, waited: float | None = None) -> None:
            sent.append(event)

    def deltas() -> list[str]:
        return [event.t for event in sent if isinstance(event, Delta)]

    loop = asyncio.get_running_loop()
    sink = PartSink(Log(), {"k": "k", "a": 1, "i": "i"}, into="/x", output=str, flush_interval=interval)
    sink.text("a")
    assert len(deltas()) == 1
    sink.text("b")
    time.sleep(4 * interval)  # as other work in this process would
    while len(deltas()) < 2:
        await asyncio.sleep(0)
    sink.text("c")
    # timers end in the order of their times, however late
    sooner = asyncio.Event()
    loop.call_later(2 * interval, sooner.set)
    await sooner.wait()
    assert len(deltas()) == 2
    sink.text("d")
    sink.finish("abcd")
    assert len(deltas()) == 3
