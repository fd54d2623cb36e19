"""`python -m services.classifier`"""

import argparse

from penstock.server import serve
from penstock.settings import Settings
from services.classifier.service import build

if __name__ == "__main__":
    argparse.ArgumentParser("services.classifier", description="Executes the classify step.").parse_args()
    settings = Settings()
    serve(lambda: build(settings).app, settings, "classifier")
