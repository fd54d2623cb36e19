"""`python -m penstock.simulator`: the simulator as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import uvloop

from penstock.simulator.delivery import Pace
from penstock.simulator.server import serving

PACES = {
    "natural": Pace(ttft=0.25, tokens_per_second=120.0),
    "slow": Pace(ttft=1.5, tokens_per_second=25.0),
    "off": Pace(),
}


async def serve(host: str, port: int, pace: Pace) -> None:
    """Serves until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(pace, host=host, port=port) as url:
        sys.stdout.write(f"simulator ready {url}\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> int:
    """Its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m penstock.simulator",
        description="An offline server that speaks the Gemini REST API: point google-genai's base_url at it.",
        epilog="Prints 'simulator ready URL' once it listens; URL/simulator/ has rules, calls, stats and wait.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--pace", choices=PACES, default="natural", help="how fast replies come")
    options = parser.parse_args()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options.host, options.port, PACES[options.pace]))
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
