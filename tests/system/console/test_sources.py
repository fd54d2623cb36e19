"""The console's sources: checked by the TypeScript compiler, with the types of what the gateway answers."""

import runpy
import subprocess

from tests.support.node import modules
from tests.support.repository import ROOT

SOURCES = ROOT / "services" / "gateway" / "console"


def test_types_are_those_of_the_gateway_s_openapi() -> None:
    made = runpy.run_path(str(ROOT / "npm" / "api_types.py"))["text"]()
    assert (SOURCES / "src/api/schema.ts").read_text() == made, "python npm/api_types.py"


def test_the_compiler_finds_nothing() -> None:
    (compiler,) = (modules() / "@typescript").glob("*/lib/tsc")
    said = subprocess.run([compiler, "-p", SOURCES], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")
