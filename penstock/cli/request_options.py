"""Command-line options made from a request model: `--target-language` for `targetLanguage`."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from penstock.cli.connecting import parameter
from penstock.cli.errors import BadInput


@dataclass(frozen=True, slots=True)
class RequestOption:
    """One field. `place`: the names on the way to it in the JSON. `kind`: its type there, "json" for a mixed one."""

    flag: str
    place: tuple[str, ...]
    kind: str
    choices: tuple[str, ...]
    field: FieldInfo

    @property
    def name(self) -> str:
        """Of the parameter."""
        return "field_" + self.flag.removeprefix("--").replace("-", "_")

    def parameter(self) -> Parameter:
        """As typer takes it. A yes or no is one flag: what the default is not."""
        is_flag = self.kind == "boolean"
        described = typer.Option(
            f"--no-{self.flag[2:]}" if is_flag and self.field.default is True else self.flag,
            help=self._help(),
            metavar=None if is_flag else f"<{self.kind}>",
            show_default=False,
            rich_help_panel="Request" if len(self.place) == 1 else "Options of the job",
        )
        return parameter(self.name, bool if is_flag else str, described)

    def _help(self) -> str:
        notes = [self.field.description or ""]
        if self.choices:
            notes.append(f"One of {', '.join(self.choices)}.")
        elif self.kind == "string":
            notes.append("@FILE reads a file, @- standard input.")
        default = self.field.get_default(call_default_factory=True)
        if self.field.is_required():
            notes.append("Required.")
        elif default is not None and self.kind != "boolean":
            notes.append(f"Default: {json.dumps(default, default=str)}.")
        return " ".join(notes).strip()

    def value(self, given: Any) -> Any:
        """What stands for it in the request's JSON. What does not fit there is found when the request is checked."""
        if self.kind == "boolean":
            return self.field.default is not True
        if self.kind == "string":
            return _text(given[1:]) if given.startswith("@") and not given.startswith("@@") else given.removeprefix("@")
        try:
            return json.loads(given)
        except ValueError as error:
            if self.kind in ("integer", "number"):
                return given
            raise BadInput(f"{self.flag} takes JSON, and {given!r} is none: {error}") from error


def options_of(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[RequestOption]:
    """An option for each field, and for each field of `options`."""
    schemas = model.model_json_schema(by_alias=True)["properties"]
    for name, field in model.model_fields.items():
        wire, annotation = field.alias or name, field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not place:
            yield from options_of(annotation, (wire,))
            continue
        variants = [one for one in schemas[wire].get("anyOf", [schemas[wire]]) if one.get("type") != "null"]
        kind = variants[0].get("type", "json") if len(variants) == 1 else "json"
        kind = kind if kind in ("string", "integer", "number", "boolean") else "json"
        choices = tuple(map(str, variants[0].get("enum", ()))) if kind == "string" else ()
        yield RequestOption("--" + name.replace("_", "-"), (*place, wire), kind, choices, field)


def request_of(
    model: type[BaseModel], given: Mapping[RequestOption, Any], json_file: Path | None, usage: str
) -> dict[str, Any]:
    """The request's JSON: that of the file, and over it what was given as options.

    Raises BadInput, naming the option; `usage` is where the user finds help.
    """
    body = read_json(json_file) if json_file else {}
    for option, value in given.items():
        if value is not None:
            inner = body
            for name in option.place[:-1]:
                inner = inner.setdefault(name, {})
            inner[option.place[-1]] = option.value(value)
    try:
        model.model_validate(body)
    except ValidationError as error:
        flags = {option.place: option for option in given}
        raise BadInput("; ".join(_problems(error, flags)) + f". See {usage}") from None
    return body


def read_json(source: Path) -> dict[str, Any]:
    """The object in a file, or on standard input for `-`."""
    try:
        value = json.loads(_text(str(source)))
    except ValueError as error:
        raise BadInput(f"--json {source} does not contain JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"--json {source}: an object is needed, this is a JSON {type(value).__name__}")
    return value


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadInput(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error


def _problems(error: ValidationError, flags: Mapping[tuple[str, ...], RequestOption]) -> Iterator[str]:
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        place = tuple(map(str, one["loc"]))
        option = flags.get(place)
        called = option.flag if option else "/" + "/".join(place)
        if one["type"] == "missing":
            description = (option.field.description or "").rstrip(".") if option else ""
            yield f"{called} is missing" + (f": {description}" if description else "")
        else:
            yield f"{called}: {one['msg']}"
