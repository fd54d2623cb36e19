"""`python -m services.aggregator`"""

import argparse

from penstock.server import serve
from penstock.settings import Settings
from services.aggregator.service import build

if __name__ == "__main__":
    argparse.ArgumentParser("services.aggregator", description=build.__doc__ or "Runs the patterns.").parse_args()
    settings = Settings()
    serve(lambda: build(settings).app, settings, "aggregator")
