"""What services may do, by the tables that it is made of."""

from penstock.jetstream.partitions import Partitions, logical
from penstock.jetstream.streams import stream_configs
from penstock.jetstream.subjects import EVERY, STREAMS, due, key, stream_of
from penstock.nats_api.permissions import READS, REPUBLISHED, rights, services, within
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.support.partitions import in_partitions


@in_partitions
def test_whatever_is_stored_is_somebodys_to_say_and_is_said_in_the_table_of_channels(partitions: int) -> None:
    """A stream, or a subject of one, that is new has no sender until penstock.nats_api.channels names one."""
    patterns, settings = load(), Settings(partitions=partitions)
    may = {one: rights(one, patterns, settings) for one in services(patterns)}
    said = {subject for one in may.values() for subject in one.publish}
    by_nats_or_an_operator = {due(EVERY, "*"), key(">")}
    # of each partition there is the same
    named = Partitions(partitions).wildcard
    stored = {named(logical(subject)) for config in stream_configs(settings) for subject in config.subjects or ()}
    for subject in stored - by_nats_or_an_operator:
        # of a pattern, say, there is more in the table than the stream's wildcards have
        assert any(within(one, subject) for one in said), subject
    assert all(any(within(one, subject) for subject in stored) or not is_stored(one) for one in said)
    republished = {config.republish.dest for config in stream_configs(settings) if config.republish}
    assert republished == set(REPUBLISHED)
    assert all(set(REPUBLISHED) <= set(one.deny) for one in may.values())
    assert {stream for some in READS.values() for stream in some} <= set(STREAMS)


def is_stored(subject: str) -> bool:
    return stream_of(subject.removeprefix("of4.*.")) in STREAMS
