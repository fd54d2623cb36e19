"""What a job of each pattern leaves in the streams, in bytes; and how many messages it puts there.

    python -m bench.stream_bytes [--jobs 20] [--pace natural]

Each job asks another question, since equal ones are one call. The table is in docs/operations/sizes.md, its figures in
penstock/jetstream/measured.py. The simulator's answers are about as long as Gemini's; the number of
events of a job depends on how long they take to write, so the pace counts.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

from bench.candidates import WITHOUT_KEYS
from penstock.client import NatsClient
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.local.stack import Pace, Stack
from penstock.patterns import PATTERNS
from penstock.settings import Settings


async def main(jobs: int, pace: Pace) -> None:
    found: tuple[dict[str, dict[str, float]], ...] = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(data=Path(folder), port=0, pace=pace, env=WITHOUT_KEYS)
        async with stack, NatsClient(Settings(nats_url=stack.nats_url)) as client:
            for pattern in PATTERNS:
                before = await _held(client.bus)
                request = pattern.example.model_dump(mode="json", by_alias=True)
                asked = (client.run(pattern.name, _another(request, number)) for number in range(jobs))
                await asyncio.gather(*asked)
                after = await _held(client.bus)
                for table, now, then in zip(found, after, before, strict=True):
                    table[pattern.name] = {name: (now[name] - then[name]) / jobs for name in now}
    for table, digits in zip(found, (0, 1), strict=True):
        left = [name for name in subjects.STREAMS if any(row[name] >= 0.1 for row in table.values())]
        print(f"\n| pattern | {' | '.join(left)} |\n|---{'|---' * len(left)}|")
        for pattern_name, row in table.items():
            print(f"| {pattern_name} | {' | '.join(f'{row[name]:,.{digits}f}' for name in left)} |")


def _another(request: dict[str, Any], number: int) -> dict[str, Any]:
    """The same, with another question: its longest text is numbered."""
    texts = {name: value for name, value in request.items() if isinstance(value, str)}
    longest = max(texts, key=lambda name: len(texts[name]))
    return request | {longest: f"{texts[longest]}\n# {number:03d}"}


async def _held(bus: Bus) -> tuple[dict[str, int], dict[str, int]]:
    """The bytes that each stream holds, and the messages that were ever put there."""
    infos = {name: (await bus.jetstream.stream_info(name)).state for name in subjects.STREAMS}
    return {name: one.bytes for name, one in infos.items()}, {name: one.last_seq for name, one in infos.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=20, help="of each pattern, all at once")
    parser.add_argument("--pace", choices=("natural", "slow", "off"), default="natural")
    options = parser.parse_args()
    asyncio.run(main(options.jobs, options.pace))
