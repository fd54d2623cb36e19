"""Tokens and their price."""

import socket

import pytest

from penstock.contracts.usage import Usage
from penstock.llm.chunk import UsageMetadata as Metadata
from penstock.llm.usage import cost_usd, usage_of
from penstock.settings import Models


def test_thinking_is_billed_as_output_and_cached_tokens_cost_less() -> None:
    def cost(**tokens: int) -> float:
        found = cost_usd(Usage(calls=1, **tokens), "gemini-2.5-pro")
        assert found is not None
        return found

    assert cost(thinking_tokens=1000) == cost(output_tokens=1000) == pytest.approx(0.01)
    assert cost(prompt_tokens=1000) == pytest.approx(0.00125)
    assert cost(prompt_tokens=1000, cached_tokens=1000) == pytest.approx(0.000125)


def test_what_the_model_counts_is_taken_as_it_is() -> None:
    metadata = Metadata(
        prompt_token_count=100,
        tool_use_prompt_token_count=10,
        candidates_token_count=20,
        thoughts_token_count=30,
        cached_content_token_count=40,
    )
    usage = usage_of(metadata, "simulator/gemini-3.8-flash")
    assert usage == Usage(calls=1, prompt_tokens=110, output_tokens=20, thinking_tokens=30, cached_tokens=40)


def test_a_call_that_tells_nothing_is_a_call() -> None:
    assert usage_of(None, "gemini-3.8-flash") == Usage(calls=1, unmetered=1)


@pytest.mark.parametrize("model", ["simulator/gemini-2.5-pro", "gemini-99-ultra", ""])
def test_a_model_that_is_not_known_has_no_price(model: str) -> None:
    assert cost_usd(Usage(prompt_tokens=1000), model) is None


def test_the_default_models_have_prices() -> None:
    models = Models()
    for model in (*models.complex_models, *models.fast_models):
        assert cost_usd(Usage(prompt_tokens=1000, output_tokens=1000), model)


def test_prices_are_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a price was fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert cost_usd(Usage(prompt_tokens=1000), "gemini-3.8-flash")
