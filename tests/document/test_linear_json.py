"""LinearJSON: whatever order the parts come in, the text grows in document order and is never taken back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from penstock.contracts.events import (
    Delta,
    JobCancelled,
    JobCompleted,
    PartClose,
    PartEnd,
    PartReset,
    PartStart,
    PartValue,
)
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Wire, omitted
from penstock.document import Diverged, LinearJSON, Shape
from penstock.document.completion import rest_of
from tests.document.plots import Plot, plots
from tests.document.prefixes import is_json_prefix


class Round(Wire):
    number: int
    draft: str
    evaluation: dict[str, Any]


class Report(Wire):
    title: str
    better_title: str | None = omitted()
    rounds: list[Round]
    summary: str


class Teller:
    """Says events and keeps what comes out."""

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

    def value(self, p: str, t: str) -> str:
        return self._feed(PartValue(id=self._id(), p=p, t=t))

    def close(self, p: str) -> str:
        return self._feed(PartClose(id=self._id(), p=p))

    def complete(self, result: dict[str, Any]) -> str:
        new = self._feed(JobCompleted(id=self._id(), result=result, usage=Usage()))
        assert json.loads(self.text) == result
        return new


def test_the_part_whose_turn_it_is_streams_live_and_later_ones_wait():
    job = Teller()
    assert job.start("/title") == ""
    assert job.delta("/title", '"Wa') == '{"title":"Wa'
    assert job.part("/summary", '"The ', 'end"') == ""
    assert job.delta("/title", 'ter"') == 'ter"'
    assert job.end("/title") == ""
    assert job.close("/betterTitle") == ""
    assert job.close("/rounds") == ',"rounds":[],"summary":"The end"'
    assert job.complete({"title": "Water", "rounds": [], "summary": "The end"}) == "}"


def test_an_array_of_objects_is_built_by_the_run():
    job = Teller()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.part("/rounds/0/draft", '"one"') == ',"rounds":[{'
    assert job.value("/rounds/0/number", "1") == '"number":1,"draft":"one"'
    assert job.part("/rounds/1/draft", '"two"') == ""
    assert job.part("/rounds/0/evaluation", "{", "}") == ',"evaluation":{}},{'
    assert job.value("/rounds/1/number", "2") == '"number":2,"draft":"two"'
    assert job.part("/rounds/1/evaluation", '{"score":9}') == ',"evaluation":{"score":9}}'
    assert job.part("/summary", '"S"') == ""
    assert job.close("/rounds") == '],"summary":"S"'


def test_elements_that_stream_at_once_come_out_by_index():
    job = Teller()
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.part("/rounds/2", '{"n":2}', k="task-2") == ',"rounds":['
    assert job.part("/rounds/1", '{"n":1}', k="task-1") == ""
    assert job.start("/rounds/0") == ""
    assert job.delta("/rounds/0", "{") == "{"
    assert job.delta("/rounds/0", "}") == "}"
    assert job.end("/rounds/0") == ',{"n":1},{"n":2}'
    assert job.close("/rounds") == "]"


def test_what_never_came_is_taken_from_the_result():
    job = Teller()
    job.part("/title", '"T"')
    job.start("/betterTitle")
    job.delta("/betterTitle", '"Tea')
    result = {"title": "T", "betterTitle": 'Tea\u2028"', "rounds": [{"number": 1}], "summary": "S", "more": None}
    assert job.complete(result) == '\\u2028\\"","rounds":[{"number":1}],"summary":"S","more":null}'


def test_members_that_the_model_does_not_know_go_last():
    job = Teller()
    job.part("/zeta", "1")
    job.part("/alpha", "2")
    job.part("/title", '"T"')
    job.close("/betterTitle")
    job.close("/rounds")
    assert job.part("/summary", '"S"') == ',"summary":"S","zeta":1,"alpha":2'
    job.complete({"title": "T", "rounds": [], "summary": "S", "zeta": 1, "alpha": 2})


def test_a_retry_of_a_part_that_is_not_out_is_invisible():
    job = Teller()
    job.part("/summary", '"first"')
    assert job.reset("/summary") == ""
    job.part("/summary", '"second"')
    job.complete({"title": "T", "rounds": [], "summary": "second"})


def test_a_retry_repeats_what_is_out_in_silence_and_goes_on():
    job = Teller()
    job.start("/title")
    job.delta("/title", '"Once up')
    job.reset("")
    assert job.part("/summary", '"S"') == ""
    job.start("/title")
    assert job.delta("/title", '"On') == ""
    assert job.delta("/title", "ce upon") == "on"
    assert job.delta("/title", '"') == '"'
    job.end("/title")
    job.complete({"title": "Once upon", "rounds": [], "summary": "S"})


def test_a_retry_that_says_something_else_is_refused_at_the_first_difference():
    job = Teller()
    job.start("/title")
    job.delta("/title", '"Once up')
    job.reset("/title")
    job.start("/title")
    job.delta("/title", '"On')
    with pytest.raises(Diverged, match="/title"):
        job.delta("/title", "ly")


@pytest.mark.parametrize("again", ['"Two"', '"On"', '"One more"'])
def test_a_retry_of_a_whole_part_is_refused_by_its_end(again):
    job = Teller()
    job.part("/title", '"One"')
    job.reset("")
    with pytest.raises(Diverged, match="/title"):
        job.part("/title", again)


def test_a_reset_touches_only_what_its_step_wrote():
    job = Teller()
    job.part("/summary", '"S"', k="other")
    job.reset("", k="k")
    job.part("/title", '"T"')
    job.close("/betterTitle")
    assert job.close("/rounds") == ',"rounds":[],"summary":"S"'


def test_a_member_that_only_the_first_attempt_wrote_cannot_be_taken_back():
    job = Teller()
    job.part("/title", '"T"')
    job.part("/betterTitle", '"B"')
    job.reset("")
    job.part("/title", '"T"')
    with pytest.raises(Diverged, match="/betterTitle is out and not in the result"):
        job.complete({"title": "T", "rounds": [], "summary": "S"})


def test_a_root_that_is_no_object_is_never_shown():
    job = Teller()
    assert job.part("", '["not what was asked for"]') == ""
    job.reset("")
    assert job.part("/title", '"T"') == '{"title":"T"'


def test_a_cancelled_job_leaves_the_text_unfinished():
    job = Teller()
    job.part("/title", '"T"')
    assert job.linear.feed(JobCancelled(id="end", usage=Usage())) == ""
    assert job.linear.failed
    assert job.delta("/title", "x") == ""
    assert job.close("/rounds") == ""


def test_the_shape_is_read_off_the_model():
    class Leaf(Wire):
        line_number: int
        note: str | None = omitted()
        tags: list[str] = []

    class Tree(Wire):
        leaf: Leaf | None
        children: list["Tree"]
        by_name: dict[str, Leaf]

    shape = Shape.of(Tree)
    assert shape.names == ("leaf", "children", "byName")
    assert shape.at("leaf").names == ("lineNumber", "note", "tags")
    assert shape.at("leaf").nullable
    assert [shape.at("leaf").is_optional(name) for name in shape.at("leaf").names] == [False, True, False]
    assert shape.at("children").kind == "array"
    assert shape.at("children").at("7").at("children").at("0").names == shape.names
    assert shape.at("byName").kind == "object"
    assert shape.at("byName").names == ()
    assert shape.at("byName").at("x").names == ("lineNumber", "note", "tags")


def play(plot: Plot) -> tuple[str, bool]:
    """The text, and whether it was cut off."""
    linear, text = LinearJSON(plot.shape), ""
    for event in [*plot.events, plot.end]:
        try:
            text += linear.feed(event)
        except Diverged:
            return text, True
        assert not text or is_json_prefix(text)
    assert linear.completed
    return text, False


@given(plots())
def test_parts_in_any_order_become_the_result(plot):
    text, cut = play(plot)
    assert not cut
    assert json.loads(text) == plot.result


@given(plots(quiet=True))
def test_silent_parts_and_missing_closes_are_made_up_for_at_the_end(plot):
    text, cut = play(plot)
    assert not cut
    assert json.loads(text) == plot.result


@given(plots(retries="same", quiet=True))
def test_retries_that_say_the_same_are_never_seen(plot):
    text, cut = play(plot)
    assert not cut
    assert json.loads(text) == plot.result


@given(plots(retries="other"))
def test_retries_that_say_something_else_are_invisible_or_cut_the_text_off(plot):
    text, cut = play(plot)
    if cut:
        with pytest.raises(Diverged):
            rest_of(text, plot.result)
    else:
        assert json.loads(text) == plot.result


@given(plots(), st.data())
def test_all_that_can_be_out_is_out(plot, data):
    """Once everything has ended and is closed, only the last brace is left for the end."""
    if set(plot.streamed) != set() and not plot.result:
        return
    linear = LinearJSON(plot.shape)
    text = "".join(linear.feed(event) for event in plot.events)
    assert json.loads(text + linear.feed(plot.end)) == plot.result
    if plot.result:
        assert json.loads(text + "}") == plot.result
