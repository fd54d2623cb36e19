"""Prompt files: `<folder>/<step>.md` holds the system text, a line of only `---`, and the user text.

Both are Jinja2 templates over the fields of the step's input. What a caller wrote is a value in them, never a
template; `{{ query | quoted }}` puts it into a fence that it cannot close.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pydantic_core
from jinja2 import StrictUndefined, Template, TemplateError, Undefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from penstock.errors import Misconfigured
from penstock.llm.prompt import Prompt

_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A prompt file, compiled."""

    name: str
    system: Template
    user: Template

    @classmethod
    @lru_cache(maxsize=1024)  # compiling all templates takes a tenth of a second: once for all services of a process
    def load(cls, folder: Path, name: str, model: type[BaseModel]) -> PromptFile:
        """`<folder>/<name>.md`, a template over the fields of `model`.

        Raises Misconfigured for a file that is missing, has no separator or no user text, is not a template, or uses a
        variable that is not one of the fields.
        """
        try:
            text = (folder / f"{name}.md").read_text(encoding="utf-8")
        except OSError as error:
            raise Misconfigured(f"there is no prompt {name}.md in {folder}") from error
        parts = _SEPARATOR.split(text, maxsplit=1)
        if len(parts) < 2 or not parts[1].strip():
            raise Misconfigured(f"prompt {name}.md in {folder}: needs system text, a line of only ---, and user text")
        try:
            if unknown := meta.find_undeclared_variables(_ENVIRONMENT.parse(text)) - set(model.model_fields):
                used, fields = ", ".join(sorted(unknown)), ", ".join(model.model_fields)
                raise Misconfigured(f"prompt {name}.md uses {used}: {model.__name__} has {fields}")
            system, user = (_ENVIRONMENT.from_string(part.strip()) for part in parts)
        except TemplateError as error:
            raise Misconfigured(f"prompt {name}.md in {folder} is not a template: {error}") from error
        return cls(name, system, user)

    def render(self, data: BaseModel) -> Prompt:
        """The prompt for one input: its fields by their Python names.

        Raises Misconfigured for an attribute that the input does not have.
        """
        fields = {field: getattr(data, field) for field in type(data).model_fields}
        try:
            return Prompt.user(self.user.render(fields).strip(), system=self.system.render(fields).strip())
        except TemplateError as error:
            raise Misconfigured(f"prompt {self.name}.md does not fit {type(data).__name__}: {error}") from error


def quoted(value: object) -> str:
    """The value between fences that are longer than any run of backticks in it. Models and lists as JSON."""
    if isinstance(value, Undefined):
        return str(value)
    text = value if isinstance(value, str) else pydantic_core.to_json(value, indent=2, by_alias=True).decode()
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_ENVIRONMENT.filters["quoted"] = quoted
