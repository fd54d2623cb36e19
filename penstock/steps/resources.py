"""What steps need beside their input, opened once a process: a database's pool, an HTTP client, a sandbox."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, get_type_hints

from penstock.depends import Depends
from penstock.errors import Misconfigured
from penstock.pattern import StepContext

Dependency = Callable[..., Any]


class Resources:
    """Opens each dependency of the functions that were bound, once, and closes all, the last opened first."""

    def __init__(self, given: Mapping[Dependency, Any] | None = None) -> None:
        """`given`: what is open already, by what gives it."""
        self._stack = AsyncExitStack()
        self._bound: list[Mapping[str, Dependency]] = []
        self._opened: dict[Dependency, Any] = dict(given or {})

    def bind(self, do: Callable[..., Any], about: str) -> Callable[[Any, Any], Any]:
        """`do` as a function of a step's input and its StepContext: its other parameters are given what they depend on.

        To be called once all is open. Raises Misconfigured, beginning with `about`, for a parameter that has neither a
        Depends nor a default.
        """
        needed = dict(_dependencies(do, about, given=1))
        wanting = [name for name, dependency in needed.items() if dependency is StepContext]
        for name in wanting:
            del needed[name]
        self._bound.append(needed)

        def done(request: Any, context: StepContext) -> Any:
            opened = {name: self._opened[dependency] for name, dependency in needed.items()}
            return do(request, **dict.fromkeys(wanting, context), **opened)

        return done

    def check(self) -> None:
        """Raises Misconfigured where something that is depended on has a parameter that nothing can be given for."""
        checked: set[Dependency] = set()
        asked = [dependency for needed in self._bound for dependency in needed.values()]
        while asked:
            dependency = asked.pop()
            if dependency not in checked:
                checked.add(dependency)
                asked += _needed_by(dependency).values()

    async def open(self) -> None:
        for needed in self._bound:
            for dependency in needed.values():
                await self._open(dependency)

    async def _open(self, dependency: Dependency) -> Any:
        if dependency not in self._opened:
            opening = dependency
            if inspect.isasyncgenfunction(dependency):
                opening = asynccontextmanager(dependency)
            elif inspect.isgeneratorfunction(dependency):
                opening = contextmanager(dependency)
            opened = opening(**{name: await self._open(one) for name, one in _needed_by(dependency).items()})
            if isinstance(opened, _FOR_EACH_USE):
                pass
            elif hasattr(opened, "__aenter__"):
                opened = await self._stack.enter_async_context(opened)
            elif hasattr(opened, "__enter__"):
                opened = self._stack.enter_context(opened)
            elif inspect.isawaitable(opened):
                opened = await opened
            self._opened[dependency] = opened
        return self._opened[dependency]

    async def aclose(self) -> None:
        await self._stack.aclose()


def _needed_by(dependency: Dependency) -> Mapping[str, Dependency]:
    return _dependencies(dependency, f"the dependency {getattr(dependency, '__qualname__', dependency)}", given=0)


def _dependencies(function: Callable[..., Any], about: str, *, given: int) -> Mapping[str, Dependency]:
    """What the parameters after the first `given` depend on, by their names: StepContext where they are annotated so.

    One with a default may depend on nothing. Of a class nothing is read but that it can be called.
    """
    callee = inspect.unwrap(function)
    plain = callee
    while isinstance(plain, partial):
        plain = plain.func
    if not (inspect.isroutine(plain) or inspect.isclass(plain)):
        plain = type(plain).__call__
    if not (inspect.isfunction(plain) or inspect.ismethod(plain)):
        return {}
    hints, found = get_type_hints(plain, include_extras=True), {}
    for name, parameter in list(inspect.signature(callee).parameters.items())[given:]:
        # FastStream's Depends has a `dependency`, too
        marks = (*getattr(hints.get(name), "__metadata__", ()), parameter.default)
        mark = next((mark for mark in marks if callable(getattr(mark, "dependency", None))), None)
        if isinstance(mark, Depends):
            mark.check()
        if hints.get(name) is StepContext:
            found[name] = StepContext
        elif mark is not None:
            found[name] = mark.dependency
        elif parameter.default is parameter.empty and parameter.kind not in _VARIADIC:
            where = f"{inspect.getsourcefile(plain)}:{plain.__code__.co_firstlineno}"
            raise Misconfigured(
                f"{about}: the parameter {name!r} needs a Depends, or the annotation StepContext ({where})"
            )
    return found


#: Entered for each use, and not for as long as a process lives.
_FOR_EACH_USE = asyncio.Lock, asyncio.Semaphore, asyncio.Condition
_VARIADIC = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
