"""The README says what is so.  `python -m tests.unit.test_readme` writes its table again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from click import Context
from click.testing import CliRunner

from chatops.cli import main
from chatops.settings import SETTINGS, Settings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN = "<!-- options: made from chatops/settings; a test compares -->\n"
END = "<!-- /options -->"


def options_table() -> str:
    rows = ["| option | default | what for |", "|---|---|---|"]
    for setting in SETTINGS:
        default = setting.write(getattr(Settings(), setting.field)) or "–"
        live = " *live*" if setting.live else ""
        rows.append(f"| `--{setting.name}` | {default} | {setting.why}{live} |")
    return "\n".join(rows) + "\n"


def written(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{options_table()}{END}{rest.partition(END)[2]}"


def test_the_readmes_options_are_those_there_are() -> None:
    text = README.read_text("utf-8")
    assert text == written(text)


def test_every_command_of_the_readme_exists_and_explains_itself() -> None:
    text = README.read_text("utf-8")
    table = text.partition("## Commands")[2].partition("###")[0]
    named = set(re.findall(r"^\| `chatops ?(\w*)", table, re.MULTILINE)) - {""}
    assert named == set(main.list_commands(Context(main)))
    for name in named:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text("utf-8"))
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_what_the_readme_names_comes_with_the_source() -> None:
    text = README.read_text("utf-8")
    names = {*re.findall(r"\]\(([\w./-]+)\)", text), *re.findall(r"`(\.ci/\w+)`", text)}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {".ci/run", ".github/CONTRIBUTING.md"} <= names
    assert [name for name in sorted(names) if name.partition("/")[0] not in included] == []


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
