"""`python -m penstock.simulator`: the simulator as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import uvloop

from penstock.simulator.config import PACES, Config, Pace
from penstock.simulator.server import Server, listen, url_of


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m penstock.simulator",
        description="An offline server that speaks the Gemini REST API: point google-genai's base_url at it.",
        epilog="Prints 'simulator ready URL' once it listens; URL/simulator/ has rules, calls, stats and wait.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--pace",
        choices=sorted(PACES),
        default="natural",
        help="how fast replies come: natural is 0.25 s to the first token, then 120 tokens/s",
    )
    parser.add_argument("--ttft", type=float, metavar="S", help="seconds to the first token, instead of the pace's")
    parser.add_argument("--tokens-per-second", type=float, metavar="N", help="after the first, instead of the pace's")
    parser.add_argument("--repeat", action="store_true", help="equal requests get equal replies, not other words")
    return parser.parse_args(arguments)


def config_of(options: argparse.Namespace) -> Config:
    """The settings that the command line asks for."""
    preset = PACES[options.pace]
    ttft = preset.ttft if options.ttft is None else options.ttft
    return Config(pace=Pace(ttft, options.tokens_per_second or preset.tokens_per_second), vary=not options.repeat)


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    options = parse(sys.argv[1:])
    try:
        listener = listen(options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1

    def announce() -> None:
        sys.stdout.write(f"simulator ready {url_of(listener)}\n")
        sys.stdout.flush()

    async def serve() -> None:
        server = Server(config_of(options), announce)

        def stop(*_: object) -> None:
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        await server.serve(sockets=[listener])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
