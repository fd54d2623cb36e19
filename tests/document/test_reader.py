"""Reader: repeats, latecomers and paused replicas change nothing."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from penstock.contracts.events import Delta, Event, JobCancelled, PartClose, StepCompleted, StepStarted
from penstock.contracts.usage import Usage
from penstock.document import Reader


def delta(k: str, a: int, n: int) -> Delta:
    return Delta(k=k, a=a, n=n, p="/x", t=f"{a}.{n}")


def accepted(events: Sequence[Event], reader: Reader | None = None) -> list[Event]:
    reader = reader or Reader()
    return [event for event in events if reader.accept(event)]


def numbers(events: Sequence[Event]) -> list[tuple[int, int]]:
    """Attempt and number of those that are accepted."""
    return [(event.a, event.n) for event in accepted(events) if isinstance(event, Delta)]


def test_a_step_is_read_in_order_and_once() -> None:
    sent = [delta("k", 1, n) for n in (0, 2, 1, 1, 2, 0, 3)]
    assert numbers(sent) == [(1, 0), (1, 1), (1, 2), (1, 3)]


def test_steps_are_counted_apart_from_each_other() -> None:
    sent = [delta("k", 1, 0), delta("l", 1, 0), delta("k", 1, 1), delta("l", 1, 1)]
    assert accepted(sent) == sent


def test_a_new_attempt_begins_at_any_time_and_the_old_one_is_not_heard_again() -> None:
    sent = [delta("k", 1, 0), delta("k", 1, 1), delta("k", 2, 0), delta("k", 1, 2), delta("k", 2, 1)]
    assert numbers(sent) == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_a_new_attempt_seen_out_of_order_silences_the_old_one_too() -> None:
    sent = [delta("k", 1, 0), delta("k", 3, 1), delta("k", 1, 1), delta("k", 2, 0), delta("k", 3, 0), delta("k", 3, 1)]
    assert numbers(sent) == [(1, 0), (3, 0), (3, 1)]


def named(i: str, n: int, a: int = 1) -> Delta:
    return delta("k", a, n).model_copy(update={"i": i})


def test_of_attempts_with_one_number_the_one_that_began_last_is_read() -> None:
    """Its start is believed once: repeated later, it is no news."""
    sent = [named("x", 0), named("x", 1), named("y", 0), named("x", 2), named("x", 0), named("x", 1), named("y", 1)]
    assert accepted(sent) == [sent[0], sent[1], sent[2], sent[6]]


def test_nothing_of_a_step_is_read_once_it_has_ended() -> None:
    """Whatever began late: not an attempt with a higher number either."""
    sent: list[Event] = [named("x", 0), completed("x", 1), named("x", 1), named("y", 0), named("z", 0, a=2)]
    assert accepted(sent) == sent[:2]


def completed(i: str, n: int) -> StepCompleted:
    return StepCompleted(
        id="completed:k", step="s", key="k", attempt=1, i=i, n=n, model="m", usage=Usage(), duration_ms=1
    )


def test_a_reader_knows_whether_it_has_what_the_outcome_says() -> None:
    for events, shown in (
        ([], False),
        ([named("x", 0)], False),
        ([named("x", 0), named("x", 1)], True),
        ([named("y", 0), named("y", 1)], False),
        ([named("y", 0), named("x", 0), named("x", 1)], False),  # there may be parts of the first one
        ([named("y", 0), named("x", 0, a=2), named("x", 1, a=2)], True),  # this one has voided them
    ):
        reader = Reader()
        accepted(events, reader)
        assert reader.shows(completed("x", 2)) == shown


def test_an_event_of_the_run_is_known_by_its_id() -> None:
    close = PartClose(id="1", p="/x")
    assert accepted([close, close, PartClose(id="2", p="/x")]) == [close, PartClose(id="2", p="/x")]


def test_nothing_comes_after_the_end() -> None:
    reader = Reader()
    end = JobCancelled(id="end", usage=Usage())
    assert accepted([end, PartClose(id="1", p="/x"), delta("k", 1, 0)], reader) == [end]
    assert reader.ended
    assert reader.seq == 1


@given(st.data(), st.integers(1, 12), st.integers(1, 5))
def test_a_writer_that_goes_back_n_is_read_as_if_all_had_arrived_at_once(
    data: st.DataObject, count: int, window: int
) -> None:
    """Whatever of its window arrives, in whatever order, the writer sends again from the first that did not count."""
    original: list[Event] = [StepStarted(k="k", a=1, n=0, step="s", service="t")]
    original += [delta("k", 1, n) for n in range(1, count)]
    reader = Reader()
    read: list[Event] = []
    while len(read) < len(original):
        sends = original[max(0, len(read) - data.draw(st.integers(0, 2))) :][: window + 2]
        arrived = data.draw(st.permutations(sends * data.draw(st.integers(1, 2))))
        read += accepted(arrived, reader)
    assert read == original
    assert reader.seq == len(original)


@given(st.data(), st.integers(1, 4), st.integers(1, 5))
def test_any_shuffle_yields_a_prefix_of_each_attempt_and_the_attempts_in_order(
    data: st.DataObject, attempts: int, count: int
) -> None:
    original = [delta("k", a, n) for a in range(1, attempts + 1) for n in range(count)]
    arrived = data.draw(st.permutations(original + original))
    read = numbers(arrived)
    assert read == sorted(set(read))
    for a in {a for a, _ in read}:
        ns = [n for b, n in read if b == a]
        assert ns == list(range(len(ns)))
