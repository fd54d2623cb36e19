"""Patterns by name: the six of the table, and those that a deployment's settings or a project's folder add."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from penstock.contracts.journal import RESERVED_KEYS
from penstock.contracts.step import Step
from penstock.contracts.wire import is_token
from penstock.errors import Misconfigured
from penstock.mistakes import raised_at
from penstock.pattern import Pattern
from penstock.patterns import PATTERNS, AnyPattern


def load(extra: Iterable[str] = ()) -> dict[str, AnyPattern]:
    """All patterns by name. `extra` names more: as `module:ATTRIBUTE`, or as a folder, with a `/`, of modules.

    A folder gives what its modules and packages have as PATTERN or PATTERNS; those with a `_` or `test_` in front are
    left alone. It is imported as a package of its name, and nothing beside it is on the path because of that.

    Raises Misconfigured for what cannot be imported (with file and line), is no Pattern, or clashes with another.
    """
    patterns: dict[str, AnyPattern] = {}
    for pattern in (*PATTERNS, *(pattern for name in dict.fromkeys(extra) for pattern, _ in _named(name))):
        if patterns.get(pattern.name, pattern) is not pattern:
            raise Misconfigured(f"two patterns are called {pattern.name!r}")
        patterns[pattern.name] = pattern
    steps_by_service(patterns)
    return patterns


def with_subs(patterns: Mapping[str, AnyPattern]) -> dict[str, AnyPattern]:
    """These and all that are parts of them, by name: those that have steps. Raises Misconfigured as `load`."""
    found: dict[str, AnyPattern] = {}
    waiting = [*patterns.values()]
    for pattern in waiting:
        if found.setdefault(pattern.name, pattern) != pattern:
            raise Misconfigured(f"two patterns are called {pattern.name!r}")
        if not is_token(pattern.name):
            raise Misconfigured(f"pattern name {pattern.name!r} is not a token of A-Z a-z 0-9 _ -")
        for signal in pattern.signals:
            if not is_token(signal.removesuffix("*")) or "__" in signal:
                what = f"signal name {signal!r} of pattern {pattern.name}"
                raise Misconfigured(f"{what} is no token without __, nor one with * behind it")
        if pattern.version and not is_token(pattern.version):
            raise Misconfigured(f"version {pattern.version!r} of pattern {pattern.name} is no token of A-Z a-z 0-9 _ -")
        waiting += pattern.subs
    return found


def files(extra: Iterable[str]) -> dict[str, Path]:
    """The patterns that `extra` names, each with the file of the module that has it. Raises Misconfigured as `load`."""
    found = (one for name in dict.fromkeys(extra) for one in _named(name))
    return {pattern.name: Path(module.__file__ or "") for pattern, module in found}


def own(patterns: Mapping[str, AnyPattern]) -> dict[str, AnyPattern]:
    """Those that are not of the table."""
    return {name: pattern for name, pattern in patterns.items() if pattern not in PATTERNS}


def steps_by_service(patterns: Mapping[str, AnyPattern]) -> dict[str, dict[str, tuple[AnyPattern, Step[Any, Any]]]]:
    """service -> `pattern/step` -> (the pattern, the step), of subs, too. Raises Misconfigured for impossible names."""
    table: dict[str, dict[str, tuple[AnyPattern, Step[Any, Any]]]] = {}
    for pattern in with_subs(patterns).values():
        for name, many in Counter(step.name for step in pattern.steps).items():
            if many > 1:
                raise Misconfigured(f"pattern {pattern.name} has {many} steps called {name!r}")
        for step in pattern.steps:
            if step.name in RESERVED_KEYS or not is_token(step.name):
                raise Misconfigured(f"step name {step.name!r} of pattern {pattern.name} is reserved or no token")
            if not is_token(step.service):
                raise Misconfigured(f"service {step.service!r} of step {pattern.name}/{step.name} is no token")
            table.setdefault(step.service, {})[f"{pattern.name}/{step.name}"] = pattern, step
    return table


def called(kinds: Iterable[str], name: str) -> list[str]:
    """Those of `pattern/step` that a name stands for: written so, or the step's alone, which several may have."""
    return [kind for kind in kinds if name in (kind, kind.partition("/")[2])]


def _named(name: str) -> Iterator[tuple[AnyPattern, ModuleType]]:
    if "/" in name:
        yield from _in_folder(Path(name).resolve())
        return
    about = f"PENSTOCK_PATTERNS names {name!r}"
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise Misconfigured(f"{about}: module:ATTRIBUTE is expected, or a folder with a / in it")
    try:
        found: Any = (module := _imported(module_name))
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise Misconfigured(f"{about}: {error}") from error
        why = f"no module {error.name!r} on the path; for the current folder set PYTHONPATH=."
        raise Misconfigured(f"{about}: {why}") from error
    except (AttributeError, ValueError) as error:
        raise Misconfigured(f"{about}: {error}") from error
    yield from ((pattern, module) for pattern in _patterns(found, f"{about}, which"))


def _in_folder(folder: Path) -> Iterator[tuple[AnyPattern, ModuleType]]:
    package = _as_package(folder)
    for module in sorted(iter_modules([str(folder)], f"{package}."), key=lambda one: one.name):
        if not module.name.removeprefix(f"{package}.").startswith(("_", "test_", "conftest")):
            loaded = _imported(module.name)
            for name in ("PATTERN", "PATTERNS"):
                if hasattr(loaded, name):
                    patterns = _patterns(getattr(loaded, name), f"{name} of {loaded.__file__}")
                    yield from ((pattern, loaded) for pattern in patterns)


def _as_package(folder: Path) -> str:
    """Makes the folder a package, whose name is the folder's. The path stays as it is: what else lies beside it is
    nobody's to import.
    """
    name, file = folder.name, folder / "__init__.py"
    if not folder.is_dir():
        raise Misconfigured(f"there is no folder {folder}, which PENSTOCK_PATTERNS or pyproject.toml names")
    known = sys.modules.get(name)
    if known is not None and str(folder) in map(str, getattr(known, "__path__", ())):
        return name
    if known is not None or not name.isidentifier() or name in sys.stdlib_module_names:
        raise Misconfigured(f"{folder} cannot be a folder of patterns: a package cannot be called {name!r}")
    if file.exists():
        spec = spec_from_file_location(name, file, submodule_search_locations=[str(folder)])
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = package = module_from_spec(spec)
        try:
            spec.loader.exec_module(package)
        except Exception as error:
            del sys.modules[name]
            raise Misconfigured(_broken(error)) from error
    else:
        sys.modules[name] = package = ModuleType(name)
        package.__path__ = [str(folder)]
    return name


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise
        raise Misconfigured(_broken(error)) from error


def _broken(error: Exception) -> str:
    """One sentence: where the author's file fails at being imported, and how."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{raised_at(error) or 'a pattern'}: {type(error).__name__}: {said}"


def _patterns(found: Any, about: str) -> Iterator[AnyPattern]:
    for one in found if isinstance(found, list | tuple) else (found,):
        if not isinstance(one, Pattern):
            raise Misconfigured(f"{about} is a {type(one).__name__}, not a Pattern")
        yield one
