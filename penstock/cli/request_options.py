"""Command-line options made from a request model: `--target-language` for `targetLanguage`."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, from_json

from penstock.cli.errors import BadInput

_OBJECT = TypeAdapter(dict[str, Any])
_REQUEST = "Request (@FILE reads a text, @- standard input)"


@dataclass(frozen=True, slots=True, eq=False)
class RequestOption:
    """One field. `place`: the names on the way to it in the JSON. `schema`: that of its values there."""

    name: str
    place: tuple[str, ...]
    field: FieldInfo
    schema: Mapping[str, Any]

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def parameter(self) -> Parameter:
        """As typer takes it. It is None where the option is not given."""
        kind, default = self.schema.get("type", "json"), self.field.get_default(call_default_factory=True)
        notes = [self.field.description or ""]
        is_flag = kind == "boolean"
        if self.field.is_required():
            notes.append("Required.")
        elif default is not None and not is_flag:
            notes.append(f"Default: {json.dumps(default, default=str)}.")
        described = typer.Option(
            f" /--no-{self.flag[2:]}" if default is True else self.flag,
            help=" ".join(notes),
            metavar="" if is_flag else "|".join(self.schema.get("enum", [f"<{kind}>"])),
            parser=None if is_flag else _text if kind == "string" else _json,
            show_default=False,
            rich_help_panel="Options of the job" if self.place[1:] else _REQUEST,
        )
        annotation = Annotated[(bool if is_flag else str) | None, described]  # type: ignore[valid-type]
        return Parameter(self.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def options_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[RequestOption]:
    """An option for each field, and for each field of `options`."""
    schemas = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        place = (*above, field.alias or name)
        if not above and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from options_of(field.annotation, place)
        else:
            schema = schemas[place[-1]]
            variants = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
            yield RequestOption(name, place, field, variants[0] if len(variants) == 1 else {})


def request_of(
    model: type[BaseModel], given: Mapping[RequestOption, Any], body: dict[str, Any], usage: str
) -> dict[str, Any]:
    """The request's JSON: `body`, and over it what was given as options.

    Raises BadInput, naming the option; `usage` is where the user finds help.
    """
    for option, value in given.items():
        if value is not None:
            inner, (*above, last) = body, option.place
            for name in above:
                inner = inner.setdefault(name, {})
            inner[last] = value
    try:
        model.model_validate(body)
    except ValidationError as error:
        problems = [_problem(given, one) for one in error.errors()[:3]]
        raise BadInput(f"{'; '.join(problems)}. See {usage}") from None
    return body


def read_json(source: str) -> dict[str, Any]:
    """The object in a file, or on standard input for `-`. Raises BadInput."""
    try:
        return _OBJECT.validate_json(_read(source))
    except ValidationError as error:
        raise BadInput(f"--json {source}: {error.errors()[0]['msg']}") from None


def read_value(data: str | None, file: str | None) -> Any:
    """The JSON value in `data`, or else in `file`. Raises BadInput where none is given, or two are."""
    if (data is None) == (file is None):
        raise BadInput("give the JSON itself with --data, or a file that has it with --file")
    try:
        return from_json(_read(file) if file is not None else str(data))
    except ValueError as error:
        raise BadInput(f"{'--data' if file is None else file}: {error}") from None


def _problem(options: Iterable[RequestOption], error: ErrorDetails) -> str:
    place = tuple(map(str, error["loc"]))
    option = next((one for one in options if one.place == place), None)
    called = option.flag if option else "/" + "/".join(place)
    if error["type"] != "missing":
        return f"{called}: {error['msg']}"
    return f"{called} is missing" + (f": {(option.field.description or '').rstrip('.')}" if option else "")


def _text(given: str) -> str:
    """`@@` at the beginning stands for an `@`."""
    return _read(given[1:]) if given.startswith("@") and not given.startswith("@@") else given.removeprefix("@")


def _json(given: str) -> Any:
    """What is no JSON is taken for a text; where that does not fit, the check of the request says so."""
    try:
        return json.loads(given)
    except ValueError:
        return given


def _read(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadInput(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error
