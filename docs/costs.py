"""Writes the table of tokens and money into docs/patterns.md: `make costs`.

Each pattern is given its example, on a stack of this machine whose model is the simulator. What was asked is what a
model would be asked; how long the replies are is the simulator's, and beside it a guess. The price is the list price of
the model that each step is set to, from the tables of genai-prices, as if nothing were cached. Shared is what an
earlier call of the job to the same model begins with, too.
"""

import asyncio
from collections import defaultdict
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from penstock.client.over_nats import NatsClient
from penstock.contracts.events import StepCompleted
from penstock.contracts.usage import Usage
from penstock.evals.estimate import REPLY
from penstock.evals.report import write_between_marks
from penstock.llm.usage import cost_usd
from penstock.local.stack import Stack
from penstock.patterns import PATTERNS, AnyPattern
from penstock.settings import Settings

PAGE = Path(__file__).parent / "patterns.md"
_HEAD = (
    "| pattern | calls | tokens in | shared | out, simulated | US$ | out, guessed | US$ |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


async def table() -> str:
    with TemporaryDirectory(prefix="penstock-costs-") as data:
        async with (
            Stack(data=Path(data), port=0, pace="off") as stack,
            NatsClient(Settings(nats_url=stack.nats_url)) as client,
        ):
            return _HEAD + "".join([await _row(client, pattern, f"{stack.simulator_url}") for pattern in PATTERNS])


async def _row(client: NatsClient, pattern: AnyPattern, simulator: str) -> str:
    thinking = {step.name: step.thinking for step in pattern.steps}
    simulated, guessed = Usage(), Usage()
    job = await client.submit(pattern, pattern.example)
    async with client.follow(job) as events:
        async for event in events:
            if isinstance(event, StepCompleted) and event.model:
                model, usage = event.model.removeprefix("simulator/"), event.usage
                simulated += _priced(usage, model)
                replies = {"output_tokens": REPLY[thinking[event.step]] * usage.calls, "thinking_tokens": 0}
                guessed += _priced(usage.model_copy(update=replies), model)
    out = simulated.output_tokens + simulated.thinking_tokens
    shared = await _shared(simulator, job)
    return (
        f"| {pattern.name} | {simulated.calls} | {simulated.prompt_tokens:,} | {shared:,} | {out:,} | "
        f"{simulated.cost_usd:.4f} | {guessed.output_tokens:,} | {guessed.cost_usd:.4f} |\n"
    )


async def _shared(simulator: str, job: str) -> int:
    """Tokens, at four characters each as the simulator counts, of prompts that it has whole (4,000 characters)."""
    async with httpx2.AsyncClient() as http:
        answer = (await http.get(f"{simulator}/simulator/calls", params={"job": job})).raise_for_status()
    earlier: dict[str, list[str]] = defaultdict(list)
    shared = 0
    for call in answer.json():
        prompt, known = call["prompt"], earlier[call["model"]]
        shared += max((sum(1 for _ in takewhile(bool, map(str.__eq__, prompt, one))) for one in known), default=0) // 4
        known.append(prompt)
    return shared


def _priced(usage: Usage, model: str) -> Usage:
    return usage.model_copy(update={"cost_usd": cost_usd(usage, model)})


if __name__ == "__main__":
    write_between_marks(asyncio.run(table()), PAGE, mark="costs")
