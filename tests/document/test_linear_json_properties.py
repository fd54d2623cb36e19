"""LinearJSON under random results, cuts, orders and retries: the text is the result, or is cut off for a reason."""

import json

import pytest
from hypothesis import given

from penstock.document import Diverged, LinearJSON
from penstock.document.json_text.completion import rest_of
from tests.document.prefixes import is_json_prefix
from tests.document.scenarios import Scenario, scenarios


def play(scenario: Scenario) -> tuple[str, bool]:
    """The text, and whether it was cut off."""
    linear, text = LinearJSON(scenario.shape), ""
    for event in [*scenario.events, scenario.end]:
        try:
            text += linear.feed(event)
        except Diverged:
            return text, True
        assert not text or is_json_prefix(text)
    assert linear.completed
    return text, False


@given(scenarios())
def test_parts_in_any_order_become_the_result(scenario):
    text, cut = play(scenario)
    assert not cut
    assert json.loads(text) == scenario.result


@given(scenarios(quiet=True))
def test_silent_parts_and_missing_closes_are_made_up_for_at_the_end(scenario):
    text, cut = play(scenario)
    assert not cut
    assert json.loads(text) == scenario.result


@given(scenarios(retries="same", quiet=True))
def test_retries_that_say_the_same_are_never_seen(scenario):
    text, cut = play(scenario)
    assert not cut
    assert json.loads(text) == scenario.result


@given(scenarios(retries="other"))
def test_retries_that_say_something_else_are_invisible_or_cut_the_text_off(scenario):
    text, cut = play(scenario)
    if cut:
        with pytest.raises(Diverged):
            rest_of(text, scenario.result)
    else:
        assert json.loads(text) == scenario.result


@given(scenarios())
def test_once_all_has_ended_and_is_closed_only_the_last_brace_is_left_for_the_end(scenario):
    linear = LinearJSON(scenario.shape)
    text = "".join(linear.feed(event) for event in scenario.events)
    assert json.loads(text + linear.feed(scenario.end)) == scenario.result
    if scenario.result:
        assert json.loads(text + "}") == scenario.result
