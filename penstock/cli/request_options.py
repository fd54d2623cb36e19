"""Command-line options made from a request model: `--target-language` for `targetLanguage`."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from penstock.cli.failing import BadInput

_PLAIN = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class RequestOption:
    """One field. `place`: the names on the way to it in the JSON. `kind`: its type, None where it is given as JSON."""

    flag: str
    place: tuple[str, ...]
    kind: Any
    field: FieldInfo

    @property
    def name(self) -> str:
        """Of the parameter."""
        return "field_" + self.flag.removeprefix("--").replace("-", "_")

    def parameter(self) -> Parameter:
        """As typer takes it."""
        kind = self.kind or str
        declared = f"{self.flag}/--no-{self.flag[2:]}" if kind is bool else self.flag
        described = typer.Option(
            declared,
            help=self._help(),
            show_default=False,
            rich_help_panel="Request" if len(self.place) == 1 else "Options of the job",
        )
        return Parameter(self.name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, described])

    def _help(self) -> str:
        notes = [self.field.description or ""]
        if self.kind is None:
            notes.append("As JSON.")
        if self.kind is str:
            notes.append("@FILE reads a file, @- standard input.")
        if self.field.is_required():
            notes.append("Required.")
        elif (default := self.field.get_default(call_default_factory=True)) is not None:
            notes.append(f"Default: {json.dumps(default, default=str)}.")
        return " ".join(notes).strip()


def options_of(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[RequestOption]:
    """An option for each field, and for each field of `options`."""
    for name, field in model.model_fields.items():
        wire = field.alias or name
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not place:
            yield from options_of(annotation, (wire,))
        else:
            yield RequestOption("--" + name.replace("_", "-"), (*place, wire), _kind(annotation), field)


def request_of(
    model: type[BaseModel], given: Mapping[RequestOption, Any], json_file: Path | None, usage: str
) -> dict[str, Any]:
    """The request's JSON: that of the file, and over it what was given as options.

    Raises BadInput, naming the option; `usage` is where the user finds help.
    """
    body = read_json(json_file) if json_file else {}
    for option, value in given.items():
        if value is None:
            continue
        inner = body
        for name in option.place[:-1]:
            inner = inner.setdefault(name, {})
        inner[option.place[-1]] = _value(option, value)
    try:
        model.model_validate(body)
    except ValidationError as error:
        raise BadInput("; ".join(_complaints(error, options_of(model))) + f". See {usage}") from None
    return body


def read_json(source: Path) -> dict[str, Any]:
    """The object in a file, or on standard input for `-`."""
    try:
        value = json.loads(_text(str(source)))
    except ValueError as error:
        raise BadInput(f"--json {source}: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"--json {source}: an object is needed, this is a JSON {type(value).__name__}")
    return value


def _value(option: RequestOption, value: Any) -> Any:
    if option.kind is None:
        try:
            return json.loads(value)
        except ValueError as error:
            raise BadInput(f"{option.flag} is to be JSON: {error}") from error
    if option.kind is str and value.startswith("@@"):
        return value[1:]
    return _text(value[1:]) if option.kind is str and value.startswith("@") else value


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadInput(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error


def _complaints(error: ValidationError, options: Iterator[RequestOption]) -> Iterator[str]:
    flags = {option.place: option for option in options}
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        place = tuple(str(token) for token in one["loc"])
        option = flags.get(place)
        called = option.flag if option else "/" + "/".join(place)
        if one["type"] == "missing":
            what = (option.field.description or "").rstrip(".") if option else ""
            yield f"{called} is missing" + (f": {what}" if what else "")
        else:
            yield f"{called}: {one['msg']}"


def _kind(annotation: Any) -> Any:
    """The type of a simple field, without `| None`; None for any other."""
    if get_origin(annotation) in (Union, UnionType):
        inner = [one for one in get_args(annotation) if one is not NoneType]
        return _kind(inner[0]) if len(inner) == 1 else None
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is Literal and all(isinstance(one, str) for one in get_args(annotation)):
        return annotation
    return annotation if annotation in _PLAIN else None
