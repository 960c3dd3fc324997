"""A recording as an SVG: bounded, the same each time, and nothing in it but what was shown."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

import tui.film
from chatops.cli import main
from chatops.replay.recording import Recording
from chatops.replay.writer import save
from tests.patience import scaled
from tests.tui.feed import Feed
from tests.tui.films import NAME, recording
from tests.tui.shots import FOLDER, in_utc
from tui.film import film, shoot
from tui.vector import draw, frame_of

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {f"{SVG}{name}" for name in ("svg", "style", "rect", "g", "text", "animate")}


def elements(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter())


def texts(svg: str) -> str:
    return "\n".join(one.text or "" for one in elements(svg) if one.tag == f"{SVG}text")


def short() -> Recording:
    return recording(Feed(clients=5), seconds=5.0)


def test_a_film_is_xml_without_anything_that_runs_or_is_fetched() -> None:
    svg = film(short(), (80, 24), frames=4)
    assert {one.tag for one in elements(svg)} <= ALLOWED
    attributes = {name for one in elements(svg) for name in one.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert "url(" not in svg
    assert "alice" in texts(svg)
    assert "REPLAY" in texts(svg)


def test_a_film_is_the_same_each_time() -> None:
    assert film(short(), (80, 24), frames=3) == film(short(), (80, 24), frames=3)


def test_every_frame_is_to_be_seen_in_its_time_and_the_first_without_animation() -> None:
    frames = [frame_of([Strip([Segment(text)])]) for text in ("one", "one", "two", "three")]
    svg = draw(frames, (10, 1), 0.5)
    groups = [one for one in elements(svg) if one.tag == f"{SVG}g" and one.find(f"{SVG}text")
              is not None]
    seen = {}
    for group in groups:
        text, animate = group.find(f"{SVG}text"), group.find(f"{SVG}animate")
        assert text is not None
        assert animate is not None
        assert animate.get("dur") == "2s"
        seen[text.text] = (group.get("visibility", "visible"), animate.get("values"),
                           animate.get("keyTimes"))
    assert seen == {"one": ("visible", "visible;hidden", "0;0.5"),
                    "two": ("hidden", "hidden;visible;hidden", "0;0.5;0.75"),
                    "three": ("hidden", "hidden;visible", "0;0.75")}


def test_what_never_changes_is_drawn_once() -> None:
    frames = [frame_of([Strip([Segment("still")]), Strip([Segment(str(n))])]) for n in range(9)]
    svg = draw(frames, (10, 2), 0.5)
    assert svg.count("still") == 1
    assert svg.count("<animate") == 9


def test_frames_are_of_moments_evenly_over_the_recording() -> None:
    shot = shoot(short(), (80, 24), 5)
    clocks = [re.search(r"up (\d\d:\d\d:\d\d)", "".join(run.text for run in frame[0]))
              for frame in shot]
    seconds = [int(clock[1][-2:]) for clock in clocks if clock is not None]
    assert len(seconds) == 5
    assert [b - a for a, b in pairwise(seconds)] == [1, 1, 1, 1]


def test_a_film_that_would_be_too_large_has_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = film(short(), (80, 24), frames=8)
    limit = len(whole.encode()) * 2 // 3
    monkeypatch.setattr(tui.film, "MOST_BYTES", limit)
    smaller = film(short(), (80, 24), frames=8)
    assert len(smaller.encode()) <= limit
    assert "alice" in texts(smaller)


@given(st.text(st.characters(), max_size=40))
def test_no_text_makes_anything_but_text(text: str) -> None:
    frame = frame_of([Strip([Segment(text, Style(color="red"))])])
    svg = draw([frame, frame_of([Strip([])])], (80, 1), 0.5)
    assert {one.tag for one in elements(svg)} <= ALLOWED
    assert svg.isprintable() or {char for char in svg if not char.isprintable()} == {"\n"}


def test_a_nick_that_is_markup_is_shown_as_it_is() -> None:
    feed = Feed(clients=3)
    feed.talkers[1].nick = "</text><script>"
    svg = film(recording(feed, seconds=1.0), (120, 40), frames=1)
    assert "&lt;script&gt;" in svg or "&lt;/text" in svg
    assert {one.tag for one in elements(svg)} <= ALLOWED


# -- the command


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "r.chatops"
    save(path, ((moment.snapshot, moment.events) for moment in short().moments))
    return path


def test_replay_writes_a_film_and_needs_no_terminal(recorded: Path) -> None:
    out = recorded.with_suffix(".svg")
    result = CliRunner().invoke(main, ["replay", str(recorded), "--svg", str(out),
                                       "--size", "80x24", "--frames", "2"])
    assert result.exit_code == 0, result.output
    assert "alice" in texts(out.read_text("utf-8"))


@pytest.mark.parametrize("size", ["80", "x", "59x24", "80x15", "401x24", "-80x24", "80x24x2"])
def test_a_size_that_is_none_is_one_clear_line(recorded: Path, size: str) -> None:
    result = CliRunner().invoke(main, ["replay", str(recorded), "--svg", "o.svg", "--size", size])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "is no size" in result.output


def test_a_film_that_cannot_be_written_is_one_clear_line(recorded: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(recorded), "--frames", "1", "--svg",
                                       str(recorded / "no" / "such.svg")])
    assert result.exit_code == 1
    assert result.output == (f"chatops: cannot write {recorded / 'no' / 'such.svg'}: "
                             "Not a directory\n")
    assert result.output.count("\n") == 1


def test_of_a_film_that_finds_no_room_nothing_is_left_that_keeps_out_the_next(
        recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.svg"
    command = ["replay", str(recorded), "--frames", "1", "--svg", str(out)]
    code = ("import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
            f"from chatops.cli import main; main({command!r})")
    full = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=scaled(60), check=False)
    assert (full.returncode, full.stderr) == (1, f"chatops: cannot write {out}: File too large\n")
    assert not out.exists()
    out.touch()
    assert CliRunner().invoke(main, command).exit_code == 0
    assert out.read_text().startswith("<svg")


def test_a_recording_of_one_moment_is_a_film_of_one_frame() -> None:
    whole = short()
    assert "<animate" not in film(Recording(whole.header, whole.moments[:1]), (80, 24))


def test_the_film_of_the_readme_is_there_and_is_one() -> None:
    kept = FOLDER / NAME
    assert kept.exists(), "python -m tests.tui.films"
    svg = kept.read_text("utf-8")
    assert {one.tag for one in elements(svg)} <= ALLOWED
    assert len(svg) < 1 << 20
    with in_utc():
        now = shoot(recording(), (100, 32), 1)[0]
    shown = texts(svg)
    missing = [words for line in now for run in line
               for words in re.split(" {2,}", run.text.strip()) if words not in shown]
    assert missing == [], "python -m tests.tui.films"


def test_a_film_takes_the_place_of_a_film_and_of_nothing_else(recorded: Path, tmp_path: Path
                                                              ) -> None:
    out, before = tmp_path / "o.svg", recorded.read_bytes()
    for _ in range(2):
        assert CliRunner().invoke(main, ["replay", str(recorded), "--frames", "2", "--svg",
                                         str(out)]).exit_code == 0
    refused = CliRunner().invoke(main, ["replay", str(recorded), "--svg", str(recorded)])
    assert refused.exit_code == 1
    assert refused.stderr == (f"chatops: {recorded} is there already, and no SVG picture; the film "
                              "needs another name\n")
    assert recorded.read_bytes() == before


def test_what_has_the_terminals_own_colours_is_read_on_the_ground_of_the_picture() -> None:
    line = Strip([Segment("as it is", Style(color="default", bgcolor="black")),
                  Segment("turned", Style(color="default", bgcolor="default", reverse=True))])
    svg = draw([frame_of([line])], (14, 1))
    ground = svg.index('<rect width="100%" height="100%" rx="6" fill="#000000"/>')
    assert "fill:#ffffff" in svg
    assert 'fill="#ffffff"' in svg[ground:]        # what lies under the turned one
    assert "fill:#000000" in svg
