"""A pattern that says things one after the other, as it is changed from deploy to deploy."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from penstock import Pattern, PatternRequest, Run, Wire
from penstock.errors import StepFailed
from tests.authors.splitting import DRAFT, Given


class Said(Wire):
    said: tuple[str, ...]


Saying = Callable[[Run, PatternRequest], Awaitable[Said]]


def said(run: Run, number: int, text: str) -> Awaitable[str]:
    """The key goes by what is said."""
    return run.step(DRAFT, Given(text=text), into=f"/said/{number}", key=text)


def saying(*texts: str, under: tuple[str, ...] = (), silent: str = "") -> Saying:
    """`under`: other keys than the texts; `silent`: what readers are shown at the end only."""

    async def run_it(run: Run, _: PatternRequest) -> Said:
        steps = zip(under or texts, texts, strict=True)
        return Said(
            said=tuple(
                [
                    await run.step(DRAFT, Given(text=text), into=None if text == silent else f"/said/{number}", key=key)
                    for number, (key, text) in enumerate(steps)
                ]
            )
        )

    return run_it


async def patched(run: Run, _: PatternRequest) -> Said:
    """Behind `alpha` something is said in addition."""
    texts = [await said(run, 0, "alpha")]
    for text in ("extra", "beta", "gamma") if await run.patched("extra") else ("beta", "gamma"):
        texts.append(await said(run, len(texts), text))
    return Said(said=tuple(texts))


async def stuck(run: Run, request: PatternRequest) -> Said:
    """Waits, behind the first step, for what is none of its run's, and does not come."""
    await said(run, 0, "alpha")
    await asyncio.Event().wait()
    return await saying("beta", "gamma")(run, request)


async def restless(run: Run, request: PatternRequest) -> Said:
    """Never comes to its second step, and never rests."""
    await said(run, 0, "alpha")
    while await asyncio.sleep(0, result=True):
        run.retract("/said/0")
    return await saying("beta", "gamma")(run, request)


async def slow(run: Run, request: PatternRequest) -> Said:
    """Thinks between its steps."""
    texts = []
    for number, text in enumerate(("alpha", "beta", "gamma")):
        texts.append(await said(run, number, text))
        await asyncio.sleep(0.3)
    return Said(said=tuple(texts))


#: `computing` has begun to, and may end.
BEGUN, ENOUGH = threading.Event(), threading.Event()


async def computing(run: Run, _: PatternRequest) -> Said:
    """Leaves its loop to nobody between its steps."""
    texts = [await said(run, 0, "alpha")]
    BEGUN.set()
    ENOUGH.wait()
    return Said(said=(*texts, await said(run, 1, "beta"), await said(run, 2, "gamma")))


async def broken(run: Run, request: PatternRequest) -> Said:
    await saying("alpha", "beta")(run, request)
    raise LookupError("it is not mended yet")


async def forgiving(run: Run, _: PatternRequest) -> Said:
    """Goes on without `beta`; what is said last depends on it."""
    texts = [await said(run, 0, "alpha")]
    try:
        texts.append(await said(run, 1, "beta"))
    except StepFailed:
        texts.append("nothing")
        run.put("/said/1", "nothing")
    last = run.step(DRAFT, Given(text=f"gamma and {texts[1]}"), into="/said/2", key="gamma")
    return Said(said=(*texts, await last))


async def dated(run: Run, _: PatternRequest) -> Said:
    """What is said depends on time and chance."""
    texts = [f"alpha at {(await run.now()).isoformat()}", f"beta of {run.uuid()}", "gamma"]
    return Said(said=tuple([await run.step(DRAFT, Given(text=text), key=text.split()[0]) for text in texts]))


class Word(Wire):
    word: str


async def waiting(run: Run, _: PatternRequest) -> Said:
    """Says what it is told."""
    return Said(said=((await run.wait("word", Word)).word,))


async def asking_again(run: Run, _: PatternRequest) -> Said:
    """Two words are needed now, by other names."""
    names = ("first", "second") if await run.patched("two") else ("word",)
    return Said(said=tuple([(await run.wait(name, Word)).word for name in names]))


def _pattern(run: Saying, version: str) -> Pattern[Any, Any]:
    return Pattern(
        name="changing",
        summary="Says things.",
        run=run,
        request=PatternRequest,
        result=Said,
        steps=(DRAFT,),
        example=PatternRequest(),
        version=version,
        signals=dict.fromkeys(("word", "first", "second"), Word),
    )


ONE = _pattern(saying("alpha", "beta", "gamma"), "1")
#: A comment was changed, say.
FITTING = _pattern(saying("alpha", "beta", "gamma"), "2")
OTHER_INPUT = _pattern(saying("alpha", "delta", "gamma", under=("alpha", "beta", "gamma")), "2")
OTHER_PLACE = _pattern(saying("alpha", "beta", "gamma", silent="beta"), "2")
JUST_ALPHA = _pattern(saying("alpha"), "2")
ONE_LESS = _pattern(saying("alpha", "beta"), "2")
PATCHED = _pattern(patched, "1")
STUCK = _pattern(stuck, "2")
RESTLESS = _pattern(restless, "2")
SLOW = _pattern(slow, "2")
COMPUTING = _pattern(computing, "2")
BROKEN = _pattern(broken, "1")
FORGIVING = _pattern(forgiving, "1")
DATED = _pattern(dated, "1")
WAITING = _pattern(waiting, "1")
ASKING_AGAIN = _pattern(asking_again, "1")
