"""What a deployment runs needs nothing that only `penstock[all]` brings."""

import subprocess
import sys

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
