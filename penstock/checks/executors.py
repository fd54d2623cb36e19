"""What does the steps: functions that fit their steps, with parameters that can be given."""

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any, get_type_hints

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from penstock.checks.fault import Fault, place_of, place_of_step
from penstock.checks.samples import NoSample, samples
from penstock.contracts.step import Step
from penstock.errors import Misconfigured
from penstock.pattern import Pattern
from penstock.steps.resources import Resources


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    for step in pattern.steps:
        sentences = [(sentence, place_of_step(pattern, step)) for sentence in _of_step(step)]
        sentences += [(sentence, place_of(step.do)) for sentence in _of_function(step) if step.do]
        for sentence, where in sentences:
            yield Fault(pattern=pattern.name, step=step.name, where=where, sentence=sentence)


def _of_step(step: Step[Any, Any]) -> Iterator[str]:
    output: Any = step.output
    if not (output is str or (isinstance(output, type) and issubclass(output, BaseModel))):
        yield f"its output has to be a pydantic model or str, not {output!r}"
    if step.check is not None:
        try:
            inspect.signature(step.check).bind(None, None)
        except TypeError:
            yield "its check has to take two arguments, the input and the output"
    try:
        inputs: list[BaseModel] = samples(step.input)
    except NoSample:  # its prompt says so, if it has one
        return
    for one in inputs:
        if step.input.model_validate(to_jsonable_python(one)) != one:
            yield f"its input {step.input.__name__} is another one once it was sent: {one.model_dump_json()[:300]}"
            return


def _of_function(step: Step[Any, Any]) -> Iterator[str]:
    if step.do is None:
        return
    name = getattr(step.do, "__qualname__", repr(step.do))
    called = step.do if inspect.isroutine(step.do) or isinstance(step.do, partial) else type(step.do).__call__
    if not inspect.iscoroutinefunction(inspect.unwrap(called)):
        yield f"{name} has to be an `async def`"
    resources = Resources()
    try:
        resources.bind(step.do, name)
        resources.check()
    except Misconfigured as error:
        yield str(error)
        return
    except NameError as error:
        yield f"{name} has an annotation that cannot be read: {error}"
        return
    plain = inspect.unwrap(step.do)
    hints = get_type_hints(plain) if inspect.isfunction(plain) else {}
    first = next(iter(inspect.signature(step.do).parameters), None)
    if first is None:
        yield f"{name} has to take the step's input"
    elif isinstance(taken := hints.get(first), type) and not issubclass(step.input, taken):
        yield f"{name} takes {taken.__name__}, and Step(input=…) is {step.input.__name__}"
    if isinstance(given := hints.get("return"), type) and not issubclass(given, step.output):
        yield f"{name} returns {given.__name__}, and Step(output=…) is {step.output.__name__}"
