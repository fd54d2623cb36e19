"""What the streams keep, and for how long, as docs/architecture.md says."""

from penstock.jetstream import subjects
from tests.support.pipeline import Pipeline

_DAY = 86_400.0


async def test_every_stream_keeps_what_it_holds_for_its_time(pipeline: Pipeline) -> None:
    """Queues keep it until it is acked. What is written once has one message a subject."""
    kept, once = {}, set()
    for stream in await pipeline.bus.jetstream.streams_info():
        kept[stream.config.name] = (stream.config.max_age or 0) / _DAY
        if stream.config.max_msgs_per_subject == 1 and stream.config.discard_new_per_subject:
            once.add(stream.config.name)
    assert kept == {
        subjects.JOBS: 7,
        subjects.STEPS: 0,
        subjects.JOURNAL: 7,
        subjects.EVENTS: 1,
        subjects.HOOKS: 0,
        subjects.DEAD: 30,
    }
    assert once == {subjects.JOBS, subjects.STEPS, subjects.JOURNAL, subjects.HOOKS}
