"""Prompts: each compiles, and renders with inputs that take its branches."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from pydantic import BaseModel

from penstock.checks.fault import Fault, place_of
from penstock.checks.samples import NoSample, samples
from penstock.contracts.step import Step
from penstock.errors import Misconfigured
from penstock.mistakes import shown
from penstock.pattern import Pattern
from penstock.steps.prompts import PromptFile


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    for step in pattern.steps:
        file = pattern.prompt_of(step)
        if step.do is None or file.exists():
            yield from _faults(pattern, step, file)


def _faults(pattern: Pattern[Any, Any], step: Step[Any, Any], file: Path) -> Iterator[Fault]:
    def fault(sentence: str, where: str | None) -> Fault:
        return Fault(pattern=pattern.name, step=step.name, where=where, sentence=sentence)

    try:
        prompt = PromptFile.of(pattern, step)
    except Misconfigured as error:
        cause = error.__cause__
        line = _line(file, "", cause) if isinstance(cause, TemplateError) else 1
        yield fault(str(error), shown((str(file), line)))
        return
    try:
        inputs: list[BaseModel] = samples(step.input)
    except NoSample as error:
        yield fault(str(error), place_of(step.input))
        return
    said: set[str] = set()
    for one in inputs:
        fields = {field: getattr(one, field) for field in type(one).model_fields}
        for part, template in (("system", prompt.system), ("user", prompt.user)):
            try:
                template.render(fields)
            except Exception as error:  # whatever an author's template may raise
                if "has no element" in str(error) and one is not inputs[0]:
                    continue  # lists that go together, say: a sample of another length is none that comes
                where = shown((str(file), _line(file, part, error)))
                sentence = f"{type(error).__name__}: {error} with the input {one.model_dump_json()[:300]}"
                if where not in said:
                    yield fault(sentence, where)
                said.add(where)


def _line(file: Path, part: str, error: BaseException) -> int:
    """The line of the file where a template fails: Jinja counts from the part's first line that is not blank."""
    system, separator, user = file.read_text(encoding="utf-8").partition("\n---")
    frames = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == "<template>"]
    line = (error.lineno if isinstance(error, TemplateSyntaxError) else frames[-1] if frames else 1) or 1
    before = system if part == "system" else user
    skipped = len(before) - len(before.lstrip())
    first = before[:skipped].count("\n") + (0 if part == "system" else f"{system}{separator}".count("\n"))
    return line + first if part else line
