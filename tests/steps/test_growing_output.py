"""What a sink makes of a model's text before anything of it is published."""

import pytest

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
