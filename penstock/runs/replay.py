"""The machinery behind `Run`: every step is looked up in the journal before it is dispatched."""

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_jsonable_python

from penstock.cancelling import stop
from penstock.contracts.options import Options
from penstock.contracts.step import Complexity, In, Out, Step, StepMessage
from penstock.contracts.turns import Turn
from penstock.document import join
from penstock.errors import BusUnavailable, StepFailed
from penstock.mistakes import Place, called_from, leaves, mistake, shown
from penstock.pattern import Pattern, Req, Res, Run, T
from penstock.runs import keys
from penstock.runs.result import StreamedResult
from penstock.runs.task import Task, fingerprint, patch_under, time_under
from penstock.runs.telling import Telling, check_place
from penstock.runs.work import Work, check_signal
from penstock.validation import field_errors, summary

#: Patterns in one another.
_DEEPEST = 8


class ReplayRun(Run):
    """One run of one pattern in this process: of a job's own, or `within` that of the pattern that it is a part of.

    `at`: its place in the job's result; None if it is not shown. `prefix`: what its keys begin with.
    """

    def __init__(
        self,
        work: Work,
        pattern: Pattern[Any, Any],
        options: Options,
        *,
        within: "ReplayRun | None" = None,
        at: str | None = "",
        prefix: str = "",
        result: StreamedResult | None = None,
    ) -> None:
        self.job, self.fan_out = work.job.id, work.fan_out
        self._work, self._pattern, self._within = work, pattern, within
        #: The patterns that this one is a part of.
        self._above: list[Pattern[Any, Any]] = [within._pattern, *within._above] if within else []
        self._told: dict[str, Any] = options.for_steps(within._told if within else None)
        self._at, self._prefix, self._telling = at, prefix, Telling(work, at, prefix)
        self._result = result or StreamedResult()
        self._calls: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[Any], tuple[str, Place]] = {}
        self._over = False

    async def complete(self, request: Any) -> tuple[Any, dict[str, Any]]:
        """Run the pattern: what it returned, and the document of it, all of which is streamed.

        Raises what the pattern raises, and PatternMistake where it left a step behind, or what it returned is not what
        it streamed. Nothing of the run goes on then.
        """
        try:
            returned = await self._pattern.run(self, request)
            for task, (key, place) in self._tasks.items():
                if not (task.done() or task.cancelling()):
                    early = f"{self._pattern.name} returned while {key} was still at work"
                    raise mistake(f"{early}: await it, or cancel it", place)
            document, missing = self._result.finish(self._pattern, returned)
            for path, value in missing.items():
                self._telling.value(path, value)
        except Exception as error:
            self._over = True
            if self._within is not None:
                await self._give_up(error, self._tasks, lambda key: key.startswith(self._prefix))
            raise
        finally:
            self._over = True
            await stop(*self._tasks)
        return returned, document

    def step(
        self,
        step: Step[In, Out],
        input: In,
        *,
        into: str | None = None,
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Out]:
        place = called_from()
        self._check(place, into, spread=step.output is not Turn)
        task = self._prepared(step, input, into, key, complexity, place)
        return self._begin(task.key, place, task.output(self._work, self._result))

    def map(
        self,
        step: Step[In, Out],
        inputs: Iterable[In],
        *,
        into: str | None = None,
        on_error: Literal["raise", "collect"] = "raise",
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Any]:
        place = called_from()
        self._check(place, into, spread=False)
        tasks = []
        for index, given in enumerate(inputs):
            at = None if into is None else join(into, index)
            tasks.append(self._prepared(step, given, at, key and f"{key}-{index + 1}", complexity, place))
        if into is not None and not tasks:
            self._put(into, [], place)
        return self._begin(f"the map of {step.name}", place, self._mapped(tasks, into, collect=on_error == "collect"))

    def sub(
        self,
        pattern: Pattern[Req, Res],
        request: Req | Mapping[str, Any],
        *,
        into: str | None = None,
        key: str | None = None,
    ) -> Awaitable[Res]:
        place = called_from()
        self._check(place, into, spread=False)
        above = [self._pattern, *self._above]
        if pattern not in self._pattern.subs and not any(pattern is one for one in above):
            what = f"{self._pattern.name} does not name {pattern.name!r} in its subs: add it there"
            raise mistake(f"{what}, so that its steps are executed", place)
        if len(above) == _DEEPEST:
            raise mistake(f"more than {_DEEPEST} patterns are in one another: end the recursion earlier", place)
        own = self._key(pattern.name, key, place, sub=True)
        try:
            asked = pattern.request.model_validate(request)
        except ValidationError as error:
            what = f"the request does not fit {pattern.name}: {summary(field_errors(error.errors()))}"
            raise mistake(what, place) from error
        at = None if into is None or self._at is None else self._at + into
        result = None if into is None else StreamedResult(self._result, into)
        run = ReplayRun(self._work, pattern, asked.options, within=self, at=at, prefix=own, result=result)
        return self._begin(own.removesuffix(keys.BETWEEN), place, run._as_part(asked, closes=bool(into)))

    def wait(self, signal: str, body: type[T], *, timeout: float | None = None, key: str | None = None) -> Awaitable[T]:
        place = called_from()
        self._check(place)
        check_signal(self._pattern, signal, body, place, name := f"{self._prefix}{signal}")
        own = self._work.counted(self._key(signal, key, place))
        waiter = self._work.waiter(timeout, place)
        return self._begin(own, place, waiter.signal(keys.as_token(own), name, body, timeout))

    def sleep(self, seconds: float, *, key: str | None = None) -> Awaitable[None]:
        waiter = self._work.waiter(seconds, called_from())
        return self._decided("sleep", key, lambda own, _: waiter.sleep(own, seconds))

    def put(self, path: str, value: JsonValue | BaseModel) -> None:
        place = called_from()
        self._check(place, path)
        self._put(path, value, place)

    def close(self, path: str) -> None:
        self._check(called_from(), path)
        self._telling.close(path)

    def retract(self, path: str) -> None:
        self._check(called_from(), path)
        self._result.retract(path)
        self._telling.retract(path)

    def now(self, *, key: str | None = None) -> Awaitable[datetime]:
        return self._decided("now", key, time_under)

    def patched(self, change: str) -> Awaitable[bool]:
        return self._decided("patch", f"patch-{change}", patch_under)

    def random(self, *, key: str | None = None) -> Random:
        return self._seeded("random", key)

    def uuid(self, *, key: str | None = None) -> UUID:
        return UUID(int=self._seeded("uuid", key).getrandbits(128), version=4)

    def _decided(self, what: str, key: str | None, do: Callable[[str, Work], Coroutine[Any, Any, Out]]) -> Future[Out]:
        place = called_from()
        self._check(place)
        own = self._work.counted(self._key(what, key, place))
        return self._begin(own, place, do(keys.as_token(own), self._work))

    def _seeded(self, what: str, key: str | None) -> Random:
        place = called_from()
        self._check(place)
        return Random(f"{what} {self._work.seed} {self._key(what, key, place)}")

    def _check(self, place: Place, at: str | None = None, *, spread: bool = True) -> None:
        """Raises where the run is over, or there is no place `at`."""
        if self._over or self._work.over:
            why = f"the run of {self._pattern.name} in {self.job} is over: a pattern awaits whatever it starts"
            raise RuntimeError(f"{why} ({shown(place)})")
        if at is not None:
            check_place(at, place, spread=spread)

    def _key(self, name: str, key: str | None, place: Place, *, sub: bool = False) -> str:
        """The whole key, as long as it may be. That of a sub-pattern is what its steps' keys begin with."""
        self._calls[name] += 1
        own = key or f"{name}-{self._calls[name]}"
        if fault := keys.fault(own):
            raise mistake(f"the key {own!r} {fault}: give another, with key=", place)
        whole = f"{self._prefix}{own}{keys.BETWEEN if sub else ''}"
        if whole in self._work.keys:
            raise mistake(f"the key {own!r} is in use: give another, with key=", place)
        self._work.keys.add(whole)
        return whole

    def _prepared(
        self,
        step: Step[In, Out],
        given: In,
        into: str | None,
        key: str | None,
        complexity: Complexity | None,
        place: Place,
    ) -> Task[Out]:
        if step not in self._pattern.steps:
            what = f"{self._pattern.name} does not name the step {step.name!r} in its steps: add it there"
            raise mistake(f"{what}, so that it is executed", place)
        own = self._work.counted(self._key(step.name, key, place))
        as_json, at = to_jsonable_python(given), self._telling.place(into)
        message = StepMessage(
            pattern=self._pattern.name,
            job=self.job,
            tenant=self._work.job.tenant,
            step=step.name,
            key=keys.as_token(own),
            input=as_json,
            fingerprint=(asked := fingerprint(step.name, as_json)),
            into=at if step.output is not Turn else None,
            words_into=at if step.output is Turn else None,
            complexity=complexity or step.complexity,
            asked_before=self._work.asked_before(asked),
            **self._told,
            paying_key=self._work.start.paying_key,
            deadline=self._work.start.deadline,
        )
        self._work.asked(message)
        return Task(step, message, own, into, place)

    def _begin(self, key: str, place: Place, working: Coroutine[Any, Any, Out]) -> asyncio.Task[Out]:
        task = asyncio.get_running_loop().create_task(working)
        self._tasks[task] = key, place
        # nobody may await a branch that the pattern gave up on: its exception counts as retrieved
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _mapped(self, tasks: list[Task[Out]], into: str | None, *, collect: bool) -> tuple[Any, ...]:
        async def one(task: Task[Out]) -> Out | StepFailed:
            async with self._work.slots:
                try:
                    return await task.output(self._work, self._result)
                except StepFailed as failure:
                    if not collect:
                        raise
                    if task.into is not None:
                        self._put(task.into, None, task.place)
                    return failure

        branches = [asyncio.ensure_future(one(task)) for task in tasks]
        try:
            outputs = await asyncio.gather(*branches)
        except Exception as error:
            await self._give_up(error, branches, {task.key for task in tasks}.__contains__)
            raise
        finally:
            await stop(*branches)
        if into is not None:
            self._telling.close(into)
        return tuple(outputs)

    async def _give_up(self, error: Exception, tasks: Iterable[Future[Any]], own: Callable[[str], bool]) -> None:
        """After a failure that the pattern above may survive: what is still at work ends, and shows no more."""
        await stop(*tasks)
        if not any(isinstance(leaf, BusUnavailable) for leaf in leaves(error)):
            await self._work.abandon([key for key in self._work.waiting if own(key)])

    async def _as_part(self, request: Any, *, closes: bool) -> Any:
        returned, _ = await self.complete(request)
        if closes:  # else others write beside it
            self._telling.close("")
        return returned

    def _put(self, path: str, value: JsonValue | BaseModel, place: Place) -> None:
        try:
            members = self._result.place(path, to_jsonable_python(value))
        except ValueError as error:
            raise mistake(str(error), place) from error
        for p, one in members.items():
            self._telling.value(p, one)
