"""Record the replies anew, after what is asked of a model has changed: `python -m tests.evals.recorded.record`."""

import asyncio
from pathlib import Path
from typing import Any

from tests.support.simulator import Steering, serving
from tests.system.cli.system import PENSTOCK

HERE = Path(__file__).parent
#: What each ticket has in it, and the answers to it: a good model's, and those of a bad one that differ.
GOOD = {
    "floor 3": ("All of a floor has no Wi-Fi.", "network"),
    "VPN": ("The VPN is slow, the line is not.", "network"),
    "R-2214": ("A payment is to be taken back.", "billing"),
    "Graz": ("A booking is to be corrected.", "billing"),
    "monitor": ("A monitor does not work.", "desk"),
    "Keyboard": ("A keyboard does not work; the rest is addressed to nobody.", "desk"),
    "cellar": ("A switch has failed.", "network"),
    "R-2301": ("A payment was not seen.", "billing"),
    "Linz": ("A credit note is wrong.", "billing"),
    "chair": ("A chair is broken.", "desk"),
    "toner": ("A printer needs toner.", "desk"),
    "intranet": ("A name is not found.", "network"),
}
BAD = {
    **GOOD,
    "VPN": ("Work from home.", "desk"),
    "Graz": ("A workshop.", "desk"),
    "monitor": ("It flickers, so it is a cable.", "network"),
    "Keyboard": ("urgent", "billing"),
    "cellar": ("The lab.", "desk"),
    "R-2301": ("A reminder.", "desk"),
    "Linz": ("Linz.", "network"),
    "toner": ("To be bought.", "billing"),
}


async def record(replies: dict[str, tuple[str, str]], file: Path) -> None:
    file.unlink(missing_ok=True)
    async with serving() as url, Steering(url) as simulator:
        for word, (reason, team) in replies.items():
            reply: Any = {"value": {"reason": reason, "team": team}}
            await simulator.rule(contains=word, reply=reply)
        command = (
            "eval",
            str(HERE),
            "--yes",
            "--at-once",
            "1",
            "--recordings",
            str(file),
            "--report",
            "data/eval.json",
        )
        env = {"PENSTOCK_MODEL_BASE_URL": url, "PENSTOCK_PATTERNS": "tests.evals.recorded.tickets:PATTERN"}
        running = await asyncio.create_subprocess_exec("env", *(f"{k}={v}" for k, v in env.items()), PENSTOCK, *command)
        if await running.wait():
            raise SystemExit(f"{file.name} is not recorded")


if __name__ == "__main__":
    asyncio.run(record(GOOD, HERE / "good.jsonl"))
    asyncio.run(record(BAD, HERE / "bad.jsonl"))
