"""A Python in which some packages are not installed."""

from collections.abc import Iterable


def without(modules: Iterable[str]) -> str:
    """Code that has importing these fail, as if they were not there."""
    return f"""
import sys
class Absent:
    def find_spec(name, path, target=None):
        if name in {tuple(modules)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent)
"""
