"""`python -m services.gateway`"""

import argparse
import asyncio

from penstock.server import serve
from penstock.settings import Settings
from services.gateway.service import build

if __name__ == "__main__":
    argparse.ArgumentParser("services.gateway", description="Serves HTTP.").parse_args()
    settings = Settings()
    draining = asyncio.Event()
    serve(lambda: build(settings, draining), settings, "gateway", port=8080, draining=draining.set)
