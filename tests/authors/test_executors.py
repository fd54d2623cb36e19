"""Steps that are done by an author's function, in a service of the author's own."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import pytest

from penstock import Depends, Pattern, Step, StepContext
from penstock.contracts.events import Delta
from penstock.errors import Misconfigured
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings
from penstock.steps import service
from penstock.steps.resources import Resources
from tests.authors import splitting
from tests.support.pipeline import Pipeline, Replica, running

NAME = f"{splitting.__name__}:PATTERN"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (NAME,), "show_errors": True})


@pytest.fixture
async def splitter(pipeline: Pipeline) -> AsyncIterator[None]:
    """The service that the pattern names."""
    async with running(service.build("splitter", pipeline.settings)):
        yield


@pytest.mark.usefixtures("splitter")
async def test_each_step_is_done_by_its_own_pattern_whatever_others_call_theirs(pipeline: Pipeline) -> None:
    """`draft` is a step of sequential-processing as well."""
    await pipeline.gemini.rule(step="draft", reply={"text": "Again: a few words."})
    job = await pipeline.submit("splitting", {"text": "a few words"})
    assert await pipeline.result(job) == {
        "words": ["a", "few", "words"],
        "draft": "Again: a few words.",
        "shouted": "A FEW WORDS",
    }
    (call,) = await pipeline.gemini.calls(job=job)
    assert 'Say "a few words" again.' in call.prompt
    outcomes = await pipeline.outcomes(job)
    services = {key: (one.service, one.model is None) for key, one in outcomes.items()}
    assert services == {"split-1": ("splitter", True), "draft-1": ("workers", False), "shout-1": ("splitter", True)}
    shown = [event.t for event in await pipeline.events(job) if isinstance(event, Delta) and event.p == "/shouted"]
    assert shown[0] == '"A', "what is emitted first is shown at once"
    assert "".join(shown) == '"A FEW WORDS"'


async def test_what_steps_depend_on_is_opened_once_and_closed_with_the_service(pipeline: Pipeline) -> None:
    before = len(splitting.SPLITTERS)
    async with running(service.build("splitter", pipeline.settings)):
        for _ in range(2):
            await pipeline.run("splitting", {"text": "a few words"})
        (opened,) = splitting.SPLITTERS[before:]
        assert (opened.calls, opened.closed) == (4, False)
    assert opened.closed


@pytest.mark.usefixtures("splitter")
async def test_an_executor_is_called_again_after_a_transient(pipeline: Pipeline) -> None:
    """What it had shown is taken back."""
    job = await pipeline.submit("splitting", {"text": "flaky"})
    assert (await pipeline.result(job))["shouted"] == "FLAKY"
    assert (await pipeline.outcomes(job))["shout-1"].attempt == 2


async def test_an_executor_that_dies_in_mid_sentence_is_replaced(pipeline: Pipeline) -> None:
    """What it had shown is taken back."""
    first = Replica(service.build("splitter", pipeline.settings))
    await first.start()
    job = await pipeline.submit("splitting", {"text": "held"})
    async for event in pipeline.following(job):
        if isinstance(event, Delta) and event.p == "/shouted":
            break
    await first.stop(grace=0)
    async with running(service.build("splitter", pipeline.settings)):
        assert (await pipeline.result(job))["shouted"] == "HELD"
    assert (await pipeline.outcomes(job))["shout-1"].attempt == 2


@pytest.mark.usefixtures("splitter")
@pytest.mark.parametrize(("text", "why"), [("untrue", "another text than it showed"), ("asking", "has no prompt")])
async def test_what_is_wrong_with_an_executor_fails_its_step(pipeline: Pipeline, text: str, why: str) -> None:
    job = await pipeline.submit("splitting", {"text": text})
    failure = (await pipeline.failure(job)).problem
    assert (failure.code, failure.step) == ("step_error", "shout-1")
    assert why in failure.detail


def test_a_service_whose_steps_ask_no_model_needs_no_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keyless = settings.model_copy(update={"model_base_url": "https://generativelanguage.googleapis.com"})
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    service.build("splitter", keyless)
    service.build("workers", keyless, ["calculate"])
    with pytest.raises(Misconfigured, match="API key"):
        service.build("workers", keyless, ["splitting/draft"])


def test_steps_are_chosen_by_pattern_and_step_or_by_step() -> None:
    workers = steps_by_service(load([NAME]))["workers"]
    assert {kind for kind in workers if kind.endswith("/draft")} == {"splitting/draft", "sequential-processing/draft"}


async def _needs_something(given: splitting.Given, pool: int) -> splitting.Words:
    """Never run: only its signature is looked at."""
    raise NotImplementedError


class _Asking:
    """An executor with a state of its own."""

    async def __call__(
        self,
        given: str,
        context: StepContext,
        slots: Annotated[asyncio.Semaphore, Depends(partial(asyncio.Semaphore, 2))],
    ) -> tuple[Any, bool]:
        async with slots:
            return context, slots.locked()

    ask = __call__


@pytest.mark.parametrize(
    "do", [_Asking(), _Asking().ask, partial(_Asking.ask, _Asking())], ids=("object", "method", "partial")
)
async def test_an_executor_is_whatever_can_be_called_and_a_semaphore_is_not_taken_for_good(do: Any) -> None:
    resources = Resources()
    done = resources.bind(do, "step x")
    resources.check()
    await resources.open()
    assert await done("given", "the context") == ("the context", False)
    await resources.aclose()


def test_a_parameter_without_a_dependency_is_named_with_its_place() -> None:
    with pytest.raises(Misconfigured, match=r"step x: the parameter 'pool' needs a Depends.*test_executors\.py:\d+"):
        Resources().bind(_needs_something, "step x")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"steps": (splitting.SPLIT, splitting.SPLIT)}, "2 steps called 'split'"),
        ({"steps": (Step(name="x", input=splitting.Given, output=str, service="a.b"),)}, "service 'a.b'"),
    ],
)
def test_steps_that_cannot_be_are_refused(changed: dict[str, Any], why: str) -> None:
    fields: dict[str, Any] = {name: getattr(splitting.PATTERN, name) for name in splitting.PATTERN.__dataclass_fields__}
    pattern: Pattern[Any, Any] = Pattern(**fields | changed)
    with pytest.raises(Misconfigured, match=why):
        steps_by_service({pattern.name: pattern})
