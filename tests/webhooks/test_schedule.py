"""When a webhook is tried again."""

import pytest

from penstock.settings import Settings
from penstock.webhooks.delivery import next_try

HOURS = 3600.0


def test_the_tries_are_spread_over_three_days() -> None:
    """Ten tries, as the example of Standard Webhooks has them."""
    delays, elapsed, tries = Settings().webhook_retry_delays, 0.0, 1
    while (pause := next_try(delays, elapsed)) is not None:
        elapsed, tries = elapsed + pause, tries + 1
    assert tries == 10
    assert 75 * HOURS < elapsed < 81 * HOURS


@pytest.mark.parametrize(("elapsed", "at_least"), [(0.1, 4.9), (5.2, 299.8), (1.0, 4.0)])
def test_what_counts_is_time_not_deliveries(elapsed: float, at_least: float) -> None:
    """A try that a deploy cut short, one second in, does not use up the one planned at five."""
    pause = next_try((5, 300), elapsed)
    assert pause is not None
    assert at_least <= pause <= at_least * 1.2 + 0.01


def test_a_receiver_s_wish_is_honoured_within_an_hour() -> None:
    wished = next_try((5, 300), 0.0, retry_after=60)
    greedy = next_try((5, 300), 0.0, retry_after=999_999)
    assert wished is not None
    assert 60 <= wished <= 72
    assert greedy is not None
    assert greedy <= HOURS * 1.2


def test_after_the_last_there_is_none() -> None:
    assert next_try((5, 300), 305.0) is None
    assert next_try((), 0.0) is None
