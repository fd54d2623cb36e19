"""What a deployment runs loads nothing that it does not need, and needs nothing that only `penstock[all]` brings."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "watchfiles":
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["penstock", "serve", "--help"]
from penstock.__main__ import main
main()
"""


def test_a_service_starts_without_what_watches_files() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert (ended.returncode, "Usage: penstock serve" in ended.stdout) == (0, True), ended.stderr


@pytest.mark.parametrize("service", ["gateway", "aggregator"])
def test_who_asks_no_model_does_not_load_what_asks_one(service: str) -> None:
    """The SDK is a third of what a process that starts does."""
    code = f"import penstock_{service}.service, sys; print('google.genai' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
