"""`python -m penstock.simulator`: the simulator as a process, until SIGTERM or SIGINT."""

import argparse
import os
import signal
import sys

from penstock.simulator.app import listening, server
from penstock.simulator.wire import Pace

PACES = {"natural": Pace(ttft=0.25, tokens_per_second=120), "slow": Pace(ttft=1.5, tokens_per_second=25), "off": Pace()}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m penstock.simulator",
        description="An offline server that speaks the Gemini REST API: point google-genai's base_url at it.",
        epilog="Prints 'simulator ready URL' once it listens; URL/simulator/ has rules, calls and stats, "
        "for those with the password that PENSTOCK_SIMULATOR_TOKEN names, if it is set.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--pace", choices=PACES, default="natural", help="how fast replies come")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # the server raises again what stopped it
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        listener, url = listening(options.host, options.port)
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    sys.stdout.write(f"simulator ready {url}\n")
    sys.stdout.flush()
    server(PACES[options.pace], os.environ.get("PENSTOCK_SIMULATOR_TOKEN", "")).run(sockets=[listener])


if __name__ == "__main__":
    main()
