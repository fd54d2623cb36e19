"""The gateway's OpenAPI document, for the site: python docs/site/openapi.py FILE."""

import asyncio
import json
import sys
from pathlib import Path

from penstock_gateway.service import build

from penstock.settings import Settings

app = build(Settings(), asyncio.Event())
target = Path(sys.argv[1])
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(app.state.gateway.description.document(app, "3.1")))
