"""What `penstock check` finds wrong, and what it does not."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, model_validator

from penstock import Depends, Pattern, Run, Step, Wire
from penstock.checks import faults_of
from penstock.checks.samples import NoSample, samples
from penstock.checks.schemas import refusals
from penstock.llm.schema import schema_of
from penstock.patterns.loading import load
from tests.authors import dated, splitting
from tests.system.cli.system import penstock
from tests.testing import impure, waiting

OUR_OWN = load(["examples.debate.pattern:PATTERN", "tests.authors.splitting:PATTERN", "tests.tools.agents:LIBRARY"])


@pytest.mark.parametrize("pattern", OUR_OWN.values(), ids=OUR_OWN)
def test_nothing_is_wrong_with_our_own(pattern: Pattern[Any, Any]) -> None:
    assert faults_of(pattern) == []


class Leaf(Wire):
    text: str
    kind: Literal["a", "b"]


class Tree(Wire):
    children: tuple["Tree", ...]


class Bush(Wire):
    children: tuple["Bush", ...] = ()


class Long(Wire):
    first: tuple[Leaf, ...] = Field(max_length=500)
    second: tuple[Leaf, ...] = Field(max_length=460)


class Wide(Wire):
    texts: tuple[Annotated[str, Field(description="x" * 50_000)], ...]


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Tree, "contains Tree within itself by members that are required (children)"),
        (Long, "allows 960 items in its lists together"),
        (Wide, "characters of schema"),
        (Bush, None),
        (Leaf, None),
    ],
)
def test_schemas_that_gemini_refuses(output: type[BaseModel], why: str | None) -> None:
    said = list(refusals(schema_of(output)))
    assert [sentence for sentence in said if why and why in sentence] == said
    assert len(said) == bool(why)


def test_a_schema_that_is_very_deep_is_told() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(13):
        schema = {"type": "object", "properties": {"in": schema}}
    (said,) = refusals(schema)
    assert "nested 13 levels deep" in said


class Branches(Wire):
    leaves: tuple[Leaf, ...] = Field(max_length=5)
    note: str | None = None
    number: int = Field(ge=3, le=9)
    either: Leaf | Literal["none"]
    named: dict[str, int]
    on: bool
    code: str = Field(pattern="^[A-Z]{3}$", examples=["ABC"])


def test_samples_take_every_branch_of_a_model() -> None:
    made: Sequence[Any] = samples(Branches)
    assert {len(one.leaves) for one in made} == {0, 1, 2}
    assert {leaf.kind for one in made for leaf in one.leaves} == {"a", "b"}
    assert {one.number for one in made} == {3, 9}
    assert {one.on for one in made} == {True, False}
    assert {type(one.either) for one in made} == {Leaf, str}
    assert None in {one.note for one in made}
    assert any("\n" in (one.note or "") for one in made)
    assert {bool(one.named) for one in made} == {True, False}


class Picky(Wire):
    code: str = Field(pattern="^[A-Z]{3}$")


class Pair(Wire):
    low: int = 0
    high: int = 0

    @model_validator(mode="after")
    def _ordered(self) -> "Pair":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def test_what_no_sample_can_be_made_of_says_what_to_do() -> None:
    with pytest.raises(NoSample, match=r"Picky.*code.*examples"):
        samples(Picky)
    assert samples(Pair)


async def _pool() -> int:
    return 1


async def _wrong_pool(size: int) -> int:
    return size


# Only the signatures of these are looked at: a body that ran would be a mistake.


async def _takes_another(given: Leaf) -> splitting.Words:
    raise NotImplementedError


async def _gives_another(given: splitting.Given) -> Leaf:
    raise NotImplementedError


async def _needs(given: splitting.Given, pool: Annotated[int, Depends(_wrong_pool)]) -> splitting.Words:
    raise NotImplementedError


async def _needs_nothing_wrong(given: splitting.Given, pool: Annotated[int, Depends(_pool)]) -> splitting.Words:
    raise NotImplementedError


class _Object:
    async def __call__(self, given: splitting.Given) -> splitting.Words:
        raise NotImplementedError


def _not_async(given: splitting.Given) -> splitting.Words:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (_takes_another, "_takes_another takes Leaf, and Step(input=…) is Given"),
        (_gives_another, "_gives_another returns Leaf, and Step(output=…) is Words"),
        (_not_async, "has to be an `async def`"),
        (_needs, "the dependency _wrong_pool: the parameter 'size' needs a Depends"),
        (_needs_nothing_wrong, None),
        (_Object(), None),
        (partial(_needs_nothing_wrong, pool=1), None),
    ],
)
def test_functions_that_do_not_fit_their_steps(do: Any, why: str | None) -> None:
    step = Step(name="split", input=splitting.Given, output=splitting.Words, do=do)
    found = [fault for fault in faults_of(changed(steps=(step, splitting.DRAFT, splitting.SHOUT))) if fault.step]
    assert [fault.sentence for fault in found if why and why in fault.sentence] == [fault.sentence for fault in found]
    assert len(found) == bool(why)
    assert all((fault.where or "").startswith("tests/authors/test_checks.py:") for fault in found)


def changed(**members: Any) -> Pattern[Any, Any]:
    fields = {name: getattr(splitting.PATTERN, name) for name in splitting.PATTERN.__dataclass_fields__}
    return Pattern(**fields | members)


class Unsendable(splitting.SplitRequest):
    @model_validator(mode="after")
    def _never(self) -> "Unsendable":
        if self.text == "never":
            raise ValueError("it is never")
        return self


async def _another(run: Run, request: splitting.SplitRequest) -> splitting.Words:
    """Never run, as those above."""
    raise NotImplementedError


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"example": Unsendable.model_construct(text="never"), "request": Unsendable}, "sent as JSON, is refused"),
        ({"run": _another}, "_another returns Words, and Pattern(…) says SplitResult"),
        ({"name": "a.b"}, "a pattern's name is"),
        ({"steps": (splitting.SPLIT, splitting.SPLIT)}, "2 steps called 'split'"),
    ],
)
def test_patterns_that_do_not_fit_together(members: dict[str, Any], why: str) -> None:
    assert any(why in str(fault) for fault in faults_of(changed(**members)))


def test_each_fault_is_told_with_file_and_line(tmp_path: Path) -> None:
    """In a pipe as JSON, one a line."""
    assert penstock("new", "mine", cwd=tmp_path).returncode == 0
    project, pattern = tmp_path / "mine", tmp_path / "mine/patterns/mine/pattern.py"
    checked = penstock("check", cwd=project)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "penstock: nothing is wrong with mine\n")
    prompt = project / "patterns/mine/prompts/write.md"
    prompt.write_text(prompt.read_text() + '{{ points.length if points | length < 2 else "" }}\n')
    pattern.write_text(pattern.read_text().replace("steps=(SORT, WRITE)", "steps=(WRITE,)"))
    checked = penstock("check", cwd=project)
    assert (checked.returncode, checked.stderr) == (1, "penstock: 2 faults in mine\n")
    undeclared, undefined = map(json.loads, checked.stdout.splitlines())
    text = pattern.read_text().splitlines()
    line = next(number for number, line in enumerate(text, 1) if "run.step(SORT" in line)
    assert undeclared["where"] == f"patterns/mine/pattern.py:{line}"
    assert undeclared["sentence"].startswith("SORT is run, and not in Pattern(steps=…)")
    assert undefined["where"] == f"patterns/mine/prompts/write.md:{len(prompt.read_text().splitlines())}"
    assert (undefined["step"], "has no attribute 'length'" in undefined["sentence"]) == ("write", True)
    prompt.write_text("You write.\n---\n{% for x in points %}\n{{ x\n")
    broken = json.loads(penstock("check", "mine", cwd=project).stdout.splitlines()[-1])
    assert "is not a template" in broken["sentence"]


@pytest.mark.parametrize(
    ("mistaken", "why"),
    [
        (impure.a_draw_of_steps, " of a-draw-of-steps was asked for, as it was not before, on replay"),
        (impure.no_key, "step `judge-1` of no-key was asked with another input (/text was 'sample text 1'"),
        (impure.another_result, "returned another result than it streamed"),
    ],
)
def test_replays_that_differ_are_told_without_a_test(mistaken: Any, why: str) -> None:
    """What its steps give is made up."""
    (fault,) = faults_of(impure.pattern(mistaken))
    assert why in fault.sentence
    assert (fault.where or "").startswith("tests/testing/impure.py:")


def test_what_differs_from_process_to_process_is_told_by_its_place() -> None:
    """In a function that is given the run; what a step does is its own business."""
    found = [str(fault).partition(": dated: ") for fault in faults_of(dated.PATTERN)]
    assert {where for where, _, _ in found} == {f"tests/authors/dated.py:{line}" for line in (25, 28, 29)}
    assert [sentence.rpartition(":")[0] for _, _, sentence in found] == [
        "{*words, 'three'} comes in another order in each process",
        "set(words) comes in another order in each process",
        "{word[:1] for word in words} comes in another order in each process",
        "datetime.now() gives another time in each replay",
        "time.time() gives another time in each replay",
        "uuid.uuid4() gives another value in each replay",
        "choice() gives another value in each replay",
    ]


def test_a_pattern_that_waits_is_told_what_its_signals_may_say() -> None:
    assert faults_of(waiting.pattern()) == []
