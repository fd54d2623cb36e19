"""LinearJSON under random results, cuts, orders and retries: the text is the result, or is aborted for a reason."""

import json

from hypothesis import given

from penstock.contracts.events import Event, PartReset, PartStart
from penstock.document import LinearJSON
from penstock.document.pointer import is_at_or_below, parse
from penstock.errors import Diverged
from tests.document.prefixes import completed, is_json_prefix
from tests.document.scenarios import Scenario, scenarios


def play(scenario: Scenario) -> str:
    """The text, which is only added to and always begins some JSON text."""
    linear, text = LinearJSON(scenario.shape), ""
    for event in [*scenario.events, scenario.end]:
        text += linear.feed(event)
        assert not text or is_json_prefix(text)
    assert linear.completed
    return text


@given(scenarios())
def test_parts_in_any_order_become_the_result(scenario: Scenario) -> None:
    assert json.loads(play(scenario)) == scenario.result


@given(scenarios(quiet=True))
def test_silent_parts_and_missing_closes_are_made_up_for_at_the_end(scenario: Scenario) -> None:
    assert json.loads(play(scenario)) == scenario.result


@given(scenarios(retries=True, quiet=True))
def test_a_retry_is_invisible_or_aborts_the_text_at_the_reset_of_what_is_sent(scenario: Scenario) -> None:
    linear, text = LinearJSON(scenario.shape), ""
    started: set[tuple[str, str]] = set()  # step and place of the parts that stand
    for event in scenario.events:
        voided = {(k, p) for k, p in started if is_voided(k, p, event)}
        voids_sent_text = any(is_shown(text, p) for _, p in voided)
        try:
            text += linear.feed(event)
        except Diverged:
            assert voids_sent_text
            return
        assert not voids_sent_text
        assert not text or is_json_prefix(text)
        started -= voided
        if isinstance(event, PartStart):
            started.add((event.k, event.p))
    assert json.loads(text + linear.feed(scenario.end)) == scenario.result


def is_voided(k: str, p: str, event: Event) -> bool:
    return isinstance(event, PartReset) and event.k == k and is_at_or_below(p, event.p)


def is_shown(text: str, p: str) -> bool:
    """Whether something of the value at `p` can be read in the text."""
    found = completed(text) if text else {}
    for token in parse(p):
        try:
            found = found[int(token) if isinstance(found, list) else token]
        except LookupError:
            return False
    return True


@given(scenarios())
def test_once_all_has_ended_and_is_closed_only_the_last_brace_is_left_for_the_end(scenario: Scenario) -> None:
    linear = LinearJSON(scenario.shape)
    text = "".join(linear.feed(event) for event in scenario.events)
    assert json.loads(text + linear.feed(scenario.end)) == scenario.result
    if scenario.result:
        assert json.loads(text + "}") == scenario.result


@given(scenarios(retries=True, quiet=True))
def test_no_retry_is_visible_in_what_is_fed_at_once(scenario: Scenario) -> None:
    linear = LinearJSON(scenario.shape)
    assert json.loads(linear.feed(*scenario.events) + linear.feed(scenario.end)) == scenario.result
