"""Sets of cases: YAML files in a folder, each with the inputs and the planted truth of one step or one pattern."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from penstock.contracts.wire import Token, Wire
from penstock.errors import Misconfigured
from penstock.evals.measures import Measure

#: Characters of a file once its aliases are written out, and of an input once its twin's texts are replaced; levels.
_LARGEST, _DEEPEST = 10_000_000, 50


class Case(Wire):
    """`truth`: for each measure of the set, by its name, what is true of this case; left out where none applies.

    In a file, `twin` and `but` may stand in place of `input`: the input of the case called so, with texts replaced.
    """

    id: Token
    input: dict[str, Any]
    truth: dict[str, Any] = {}
    tags: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """8 hex digits that differ as soon as what is asked does, or what is true of it."""
        return _sha256({"input": self.input, "truth": self.truth})[:8]


class CaseSet(Wire):
    """`about`: what it would cost to be wrong here. `times`: how often each case is asked, to measure retests.

    `judged`: by what the better of two answers is told, for a judge; None where measures say all.
    """

    about: str
    step: str | None = None
    pattern: str | None = None
    times: int = Field(default=1, ge=1, le=20)
    measures: dict[str, Measure] = {}
    judged: str | None = Field(default=None, min_length=1, max_length=2_000)
    cases: tuple[Case, ...] = Field(min_length=1)

    @field_validator("cases", mode="before")
    @classmethod
    def _with_twins(cls, given: Any) -> Any:
        inputs: dict[str, Any] = {}
        for case in given if isinstance(given, list) else ():
            if isinstance(case, dict) and isinstance(case.get("id"), str):
                if "twin" in case:
                    case["input"] = _replaced(inputs.get(str(case.pop("twin"))), case.pop("but", {}))
                inputs[case["id"]] = case.get("input")
        return given

    @model_validator(mode="after")
    def _fits(self) -> "CaseSet":
        if (self.step is None) == (self.pattern is None):
            raise ValueError("a set is of a step or of a pattern")
        if not self.measures and self.judged is None:
            raise ValueError("a set has measures, or says by what its answers are judged")
        ids = [case.id for case in self.cases]
        if repeated := sorted({id for id in ids if ids.count(id) > 1}):
            raise ValueError(f"more than one case is called {', '.join(repeated)}")
        for case in self.cases:
            if unknown := case.truth.keys() - self.measures.keys():
                raise ValueError(f"case {case.id} has a truth for {', '.join(sorted(unknown))}, which is not measured")
            for name, truth in case.truth.items():
                if wrong := self.measures[name].wrong(truth):
                    raise ValueError(f"case {case.id}: the truth for {name}: {wrong}")
        return self


def fingerprint(measure: Measure) -> str:
    """8 hex digits that differ as soon as anything of the measure does, such as a threshold."""
    return _sha256(measure.model_dump(mode="json"))[:8]


def digest(sets: Mapping[str, CaseSet]) -> str:
    """12 hex digits that differ as soon as a case does."""
    return _sha256({name: cases.model_dump(mode="json") for name, cases in sets.items()})[:12]


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _replaced(value: Any, texts: Any) -> Any:
    """The value with each text replaced in all its strings. Raises ValueError where one stands in none of them."""
    if value is None:
        raise ValueError("a twin is of a case that stands before it")
    if not isinstance(texts, dict):
        raise ValueError("`but` is a text, and what stands in its place, for each difference")
    content = json.dumps(value, ensure_ascii=False, default=str)
    for old, new in texts.items():
        before, after = (json.dumps(str(text), ensure_ascii=False)[1:-1] for text in (old, new))
        if before not in content:
            raise ValueError(f"{old!r} does not stand in the twin")
        content = content.replace(before, after)
        if len(content) > _LARGEST:
            raise ValueError("a twin grew too large")
    return json.loads(content)


def load(folder: Path) -> Mapping[str, CaseSet]:
    """All `*.yaml` below the folder, by their path without the ending. Raises Misconfigured, naming file and field."""
    sets = {}
    for path in sorted(path for path in folder.rglob("*.yaml") if not path.is_dir()):
        try:
            sets[path.relative_to(folder).with_suffix("").as_posix()] = CaseSet.model_validate(_content(path))
        except ValidationError as error:
            raise Misconfigured(f"{path}: {first_of(error, 'the set')}") from error
        except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise Misconfigured(f"{path} is no YAML that can be used: {' '.join(str(error).split())}") from error
    if not sets:
        raise Misconfigured(f"there are no cases (*.yaml) in {folder}")
    return sets


def _content(path: Path) -> Any:
    """Raises ValueError for what a few lines of aliases make of themselves, OSError, YAMLError, RecursionError."""
    loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
    node = loader.get_single_node()
    if node is None:
        return None
    characters, levels = _extent(node, {})
    if characters > _LARGEST or levels > _DEEPEST:
        raise ValueError(f"written out it has {characters} characters on {levels} levels")
    return loader.construct_document(node)


def _extent(node: yaml.Node, known: dict[yaml.Node, tuple[int, int]]) -> tuple[int, int]:
    """Characters and levels of a node with its aliases written out; without an end where it stands in itself."""
    if isinstance(node, yaml.ScalarNode):
        return len(node.value) + 1, 1
    if node not in known:
        known[node] = (_LARGEST + 1, 1)  # for whoever meets it within itself
        within = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
        extents = [_extent(one, known) for one in within]
        known[node] = (
            1 + sum(characters for characters, _ in extents),
            1 + max((levels for _, levels in extents), default=0),
        )
    return known[node]


def first_of(error: ValidationError, whole: str = "") -> str:
    """Where the first thing is wrong, and what is; `whole` names what is wrong as such."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or whole
    return ": ".join(filter(None, (where, first["msg"].removeprefix("Value error, "))))
