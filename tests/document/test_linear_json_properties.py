"""LinearJSON under random results, cuts, orders and retries: the text is the result, or is cut off for a reason."""

import json

import pytest
from hypothesis import given

from penstock.document import Diverged, LinearJSON
from penstock.document.completion import rest_of
from tests.document.plots import Plot, plots
from tests.document.prefixes import is_json_prefix


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


@given(plots())
def test_once_all_has_ended_and_is_closed_only_the_last_brace_is_left_for_the_end(plot):
    linear = LinearJSON(plot.shape)
    text = "".join(linear.feed(event) for event in plot.events)
    assert json.loads(text + linear.feed(plot.end)) == plot.result
    if plot.result:
        assert json.loads(text + "}") == plot.result
