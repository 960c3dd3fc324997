"""One class, one name: a stranger who greps for a class finds one, in all of the product."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _classes(source: str) -> Iterator[str]:
    """Names of all classes, nested ones too, without what marks them as private."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")


def _twins(sources: dict[str, str]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for path, source in sources.items():
        for name in _classes(source):
            places[name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def test_no_two_classes_have_the_same_name() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text()
               for package in ("chatops", "tui") for path in (ROOT / package).rglob("*.py")}
    assert len(sources) > 100
    assert _twins(sources) == {}


def test_a_twin_is_found_nested_and_private_too() -> None:
    sources = {"one.py": "class Session: ...", "two.py": "class Pane:\n class _Session: ..."}
    assert _twins(sources) == {"Session": ["one.py", "two.py"]}
