"""The window that slides, by itself."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.callers.rate import Rate, Standing, Used


@given(st.integers(1, 5), st.floats(0.5, 100), st.lists(st.floats(0, 30), max_size=60))
def test_no_window_has_more_than_the_rate_wherever_it_begins(
    requests: int, seconds: float, pauses: list[float]
) -> None:
    """And whoever waits as long as he is told is let through, however often he was refused before."""
    rate, used, now, passed = Rate(requests, seconds), Used(), 1_000_000.0, list[float]()
    for pause in pauses:
        now += pause
        used = Used.read(used.within(rate, now).written())
        if used.count < rate.requests:
            used = used.with_more(1, rate, now)
            passed.append(now)
        else:
            assert any(now - one < seconds + 0.01 for one in passed[-requests:])
            assert used.within(rate, now + used.next_free(rate, now)).count < rate.requests
    for first, beyond in zip(passed, passed[requests:], strict=False):
        assert beyond - first > seconds - 0.001


def test_a_busy_callers_window_stays_small() -> None:
    rate = Rate(100_000, 60)
    used = Used()
    for request in range(20_000):
        used = used.within(rate, 1e9 + request / 250).with_more(1, rate, 1e9 + request / 250)
    assert 14_700 <= used.count <= 15_300
    assert len(used.taken) <= 66


def test_a_burst_is_another_window_of_the_same_rate() -> None:
    assert Rate.of("none") is None
    assert Rate.of("10/minute") == Rate(10, 60)
    assert Rate.of("60/minute", burst=10) == Rate(10, 10)
    assert Rate.of("10/minute", burst=30) == Rate(30, 180)
    # what is longer than any window is not a higher rate
    assert Rate.of("1/day", burst=100) == Rate(31, 31 * 86_400)


def test_what_was_just_let_through_frees_its_place_within_one_window() -> None:
    """Times are kept in whole milliseconds, rounded up."""
    rate, now = Rate(5, 60), 1_000_000.0004
    used = Used().with_more(1, rate, now)
    assert Standing(rate, admitted=True, remaining=4, reset=used.next_free(rate, now)).wait == 60


def test_the_headers_are_those_of_the_draft() -> None:
    """Retry-After and `t` are the same moment where the request is refused."""
    rate = Rate(10, 60)
    assert Standing(rate, admitted=True, remaining=3, reset=12.2).headers() == {
        "RateLimit-Policy": '"default";q=10;w=60',
        "RateLimit": '"default";r=3;t=13',
    }
    refused = Standing(rate, admitted=False, remaining=0, reset=0.2).headers()
    assert (refused["RateLimit"], refused["Retry-After"]) == ('"default";r=0;t=1', "1")


def test_what_was_counted_before_it_came_and_did_not_come_is_given_back() -> None:
    rate, now = Rate(1_000, 60), 1_000_000.0
    used = Used().with_more(5, rate, now).with_more(16, rate, now + 1)
    mine = used.taken[-1][0]
    used = used.with_more(1, rate, now + 1.5).with_more(1, rate, now + 3)
    assert used.without(6, mine).count == used.count - 6
    assert used.within(rate, now + 120).without(6, mine).count == 0
