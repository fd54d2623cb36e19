"""`python -m services.workers [--steps review-security,review-performance]`"""

import argparse

from penstock.server import serve
from penstock.settings import Settings
from services.workers.service import build

if __name__ == "__main__":
    parser = argparse.ArgumentParser("services.workers", description="Executes steps.")
    parser.add_argument("--steps", help="serve only these steps, separated by commas (default: all of this service)")
    steps = parser.parse_args().steps
    settings = Settings()
    serve(lambda: build(settings, steps.split(",") if steps else None).app, settings, "workers")
