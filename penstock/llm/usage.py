"""Tokens as Gemini reports them, and their price from the tables shipped in genai-prices (never fetched)."""

from importlib.metadata import version

import genai_prices

from penstock.contracts.usage import Paid, Usage
from penstock.llm.chunk import UsageMetadata as Metadata

#: The price list in use: it has no date but its version's.
PRICES = f"genai-prices {version('genai-prices')}"


class Meter:
    """Given to `Llm.stream`, it is up to date when the stream has ended, however it ended.

    Usage is the last that the model reported: of a call that was aborted, what had been produced until then. One that
    was aborted before it had reported anything is `unmetered`.
    A call that was refused before it had an answer (429, 5xx, 4xx) costs nothing and is not counted.
    """

    def __init__(self) -> None:
        self.paid: Paid = {}
        #: The last version that answered, as it says itself (else the name asked for); None before the first answer.
        self.model: str | None = None

    @property
    def usage(self) -> Usage:
        return sum(self.paid.values(), start=Usage())

    def add(self, usage: Usage, model: str) -> None:
        self.paid[model] = self.paid.get(model, Usage()) + usage
        self.model = model

    def include(self, other: "Meter") -> None:
        """What another has counted."""
        for model, usage in other.paid.items():
            self.paid[model] = self.paid.get(model, Usage()) + usage
        self.model = other.model or self.model

    def cut_off(self, asked: str) -> None:
        """A call that was given up before an answer came: the model may have begun one."""
        self.paid[asked] = self.paid.get(asked, Usage()) + Usage(calls=1, unmetered=1)


def usage_of(metadata: Metadata | None, model: str) -> Usage:
    """One call's usage. Prompt tokens include the cached ones, output tokens exclude thinking.

    `cost_usd` is None for a model that genai-prices does not know, and for the simulator's.
    """
    if metadata is None:
        return Usage(calls=1, unmetered=1)
    usage = Usage(
        calls=1,
        prompt_tokens=(metadata.prompt_token_count or 0) + (metadata.tool_use_prompt_token_count or 0),
        output_tokens=metadata.candidates_token_count or 0,
        thinking_tokens=metadata.thoughts_token_count or 0,
        cached_tokens=metadata.cached_content_token_count or 0,
    )
    return usage.model_copy(update={"cost_usd": cost_usd(usage, model)})


def cost_usd(usage: Usage, model: str) -> float | None:
    """List price of the tokens today, in US dollars; thinking is billed as output. None: price not known."""
    if model.startswith("simulator/"):
        return None
    tokens = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.prompt_tokens),
        output_tokens=usage.output_tokens + usage.thinking_tokens,
    )
    try:
        return float(genai_prices.calc_price(tokens, model, provider_id="google").total_price)
    except (LookupError, ValueError):
        return None
