"""LinearJSON: whatever order the parts come in, the text grows in document order and is never taken back."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from penstock.contracts.events import (
    Delta,
    Event,
    JobCancelled,
    JobCompleted,
    PartClose,
    PartEnd,
    PartReset,
    PartRetract,
    PartStart,
    PartValue,
)
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Wire, omitted
from penstock.document import LinearJSON, Shape
from penstock.errors import Diverged


class Round(Wire):
    number: int
    draft: str
    evaluation: dict[str, Any]


class Report(Wire):
    title: str
    better_title: str | None = omitted()
    rounds: list[Round]
    summary: str


class Job:
    """Feeds events and keeps the text."""

    def __init__(self, model: type[BaseModel] = Report) -> None:
        self.linear = LinearJSON(Shape.of(model))
        self.text = ""
        self._ids = 0

    def _feed(self, event: Any) -> str:
        new = self.linear.feed(event)
        self.text += new
        return new

    def _id(self) -> str:
        self._ids += 1
        return str(self._ids)

    def start(self, p: str, k: str = "k") -> str:
        return self._feed(PartStart(k=k, a=1, n=0, p=p))

    def delta(self, p: str, t: str, k: str = "k") -> str:
        return self._feed(Delta(k=k, a=1, n=0, p=p, t=t))

    def end(self, p: str, k: str = "k") -> str:
        return self._feed(PartEnd(k=k, a=1, n=0, p=p, length=0))

    def part(self, p: str, *ts: str, k: str = "k") -> str:
        return self.start(p, k) + "".join(self.delta(p, t, k) for t in ts) + self.end(p, k)

    def reset(self, p: str, k: str = "k") -> str:
        return self._feed(PartReset(k=k, a=2, n=0, p=p))

    def retract(self, p: str) -> str:
        return self._feed(PartRetract(id=self._id(), p=p))

    def value(self, p: str, t: str) -> str:
        return self._feed(PartValue(id=self._id(), p=p, t=t))

    def close(self, p: str) -> str:
        return self._feed(PartClose(id=self._id(), p=p))

    def complete(self, result: dict[str, Any]) -> str:
        new = self._feed(JobCompleted(id=self._id(), result=result, usage=Usage()))
        assert json.loads(self.text) == result
        return new


def test_the_part_whose_turn_it_is_streams_live_and_later_ones_wait() -> None:
    job = Job()
    assert job.start("/title") == ""
    assert job.delta("/title", '"Wa') == '{"title":"Wa'
    assert job.part("/summary", '"The ', 'end"') == ""
    assert job.delta("/title", 'ter"') == 'ter"'
    assert job.end("/title") == ""
    assert job.close("/betterTitle") == ""
    assert job.close("/rounds") == ',"rounds":[],"summary":"The end"'
    assert job.complete({"title": "Water", "rounds": [], "summary": "The end"}) == "}"


def test_an_array_of_objects_is_built_by_the_run() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.part("/rounds/0/draft", '"one"') == ""
    assert job.value("/rounds/0/number", "1") == ',"rounds":[{"number":1,"draft":"one"'
    assert job.part("/rounds/1/draft", '"two"') == ""
    assert job.part("/rounds/0/evaluation", "{", "}") == ',"evaluation":{}}'
    assert job.value("/rounds/1/number", "2") == ',{"number":2,"draft":"two"'
    assert job.part("/rounds/1/evaluation", '{"score":9}') == ',"evaluation":{"score":9}}'
    assert job.part("/summary", '"S"') == ""
    assert job.close("/rounds") == '],"summary":"S"'


def test_elements_that_stream_at_once_come_out_by_index() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.part("/rounds/2", '{"n":2}', k="task-2") == ""
    assert job.part("/rounds/1", '{"n":1}', k="task-1") == ""
    assert job.start("/rounds/0") == ""
    assert job.delta("/rounds/0", "{") == ',"rounds":[{'
    assert job.delta("/rounds/0", "}") == "}"
    assert job.end("/rounds/0") == ',{"n":1},{"n":2}'
    assert job.close("/rounds") == "]"


def test_what_never_came_is_taken_from_the_result() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.start("/betterTitle")
    job.delta("/betterTitle", '"Tea')
    result = {"title": "T", "betterTitle": 'Tea\u2028"', "rounds": [{"number": 1}], "summary": "S", "more": None}
    assert job.complete(result) == '\\u2028\\"","rounds":[{"number":1}],"summary":"S","more":null}'


def test_members_that_the_model_does_not_know_go_last() -> None:
    job = Job()
    job.part("/zeta", "1")
    job.part("/alpha", "2")
    job.part("/title", '"T"')
    job.close("/betterTitle")
    job.close("/rounds")
    assert job.part("/summary", '"S"') == ',"summary":"S","zeta":1,"alpha":2'
    job.complete({"title": "T", "rounds": [], "summary": "S", "zeta": 1, "alpha": 2})


def test_a_retry_of_a_part_that_is_not_sent_is_invisible() -> None:
    job = Job()
    job.part("/summary", '"first"')
    assert job.reset("/summary") == ""
    job.part("/summary", '"second"')
    job.complete({"title": "T", "rounds": [], "summary": "second"})


def test_a_reset_of_text_that_is_sent_aborts_at_once() -> None:
    """Also if a retry would write the same, and wherever the cursor is by then."""
    job = Job()
    job.start("/title")
    job.delta("/title", '"Once up')
    with pytest.raises(Diverged, match="/title"):
        job.reset("/title")
    job = Job()
    job.part("/title", '"T"')
    job.start("/betterTitle", "other")
    with pytest.raises(Diverged, match="/title"):
        job.reset("")


@pytest.mark.parametrize("again", ["start", "value"])
def test_a_part_that_is_sent_cannot_begin_anew(again: str) -> None:
    job = Job()
    job.part("/title", '"T"')
    with pytest.raises(Diverged, match="/title"):
        job.start("/title") if again == "start" else job.value("/title", '"T"')


def test_what_is_voided_by_one_of_the_events_fed_together_is_not_sent() -> None:
    """Who comes late, and is fed what has happened so far, need not be shown what is void by now."""
    linear = LinearJSON(Shape.of(Report))
    first: list[Event] = [PartStart(k="k", a=1, n=0, p="/title"), Delta(k="k", a=1, n=1, p="/title", t='"Once')]
    again: list[Event] = [PartReset(k="k", a=2, n=0, p=""), *first, Delta(k="k", a=1, n=2, p="/title", t=' more"')]
    assert linear.feed(*first, *again) == '{"title":"Once more"'


def test_a_part_that_is_not_sent_may_begin_anew() -> None:
    job = Job()
    job.part("/summary", '"first"')
    job.start("/summary")
    job.delta("/summary", '"sec')
    job.value("/summary", '"third"')
    job.complete({"title": "T", "rounds": [], "summary": "third"})


def test_a_reset_touches_only_what_its_step_wrote() -> None:
    job = Job()
    job.part("/summary", '"S"', k="other")
    job.reset("", k="k")
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.close("/rounds") == ',"rounds":[],"summary":"S"'


def test_what_the_run_retracts_may_be_written_anew_by_another_step() -> None:
    job = Job()
    job.part("/rounds/0", "{}", k="first")
    job.value("/rounds/1", "{}")
    job.close("/rounds")
    job.retract("/rounds")
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.part("/rounds/0", '{"n":1}', k="second") == ',"rounds":[{"n":1}'
    assert job.close("/rounds") == "]"
    job.complete({"title": "T", "rounds": [{"n": 1}], "summary": "S"})


def test_what_the_run_retracts_after_it_is_sent_aborts_at_once() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    job.close("/rounds")
    for p in ("/title", "/rounds", ""):
        with pytest.raises(Diverged):
            job.retract(p)


def test_an_empty_array_in_an_array_is_shown_when_it_is_closed() -> None:
    class Table(Wire):
        rows: list[list[int]]

    job = Job(Table)
    assert job.close("/rows/0") == '{"rows":[[]'
    assert job.close("/rows") == "]"
    job.complete({"rows": [[]]})


def test_a_member_that_is_sent_and_not_in_the_result_is_refused() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.part("/betterTitle", '"B"')
    with pytest.raises(Diverged):
        job.complete({"title": "T", "rounds": [], "summary": "S"})


def test_the_result_may_be_spelled_differently_than_it_was_streamed() -> None:
    job = Job()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    job.start("/rounds/0")
    job.delta("/rounds/0", '{"n":1.0,"m":"caf')
    result = {"summary": "S", "rounds": [{"m": "café\u2028", "n": 1}], "title": "T"}
    assert job.complete(result) == 'é\\u2028"}],"summary":"S"}'


@pytest.mark.parametrize("title", ["U", None, "T and more"])
def test_a_result_that_contradicts_a_complete_part_is_refused(title: object) -> None:
    job = Job()
    job.part("/title", '"T"')
    with pytest.raises(Diverged):
        job.complete({"title": title, "rounds": [], "summary": "S"})


@pytest.mark.parametrize("title", ["One", None, ["Once"]])
def test_a_result_that_contradicts_a_part_that_is_partly_sent_is_refused(title: object) -> None:
    job = Job()
    job.start("/title")
    job.delta("/title", '"Once up')
    with pytest.raises(Diverged):
        job.complete({"title": title, "rounds": [], "summary": "S"})


def test_a_root_that_is_no_object_is_never_shown() -> None:
    job = Job()
    assert job.part("", '["not what was asked for"]') == ""
    job.reset("")
    assert job.part("/title", '"T"') == '{"title":"T"'


def test_a_cancelled_job_leaves_the_text_unfinished() -> None:
    job = Job()
    job.part("/title", '"T"')
    assert job.linear.feed(JobCancelled(id="end", usage=Usage())) == ""
    assert not job.linear.completed
