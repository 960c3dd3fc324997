"""The screenshots in the repository show the console as it is now."""

from __future__ import annotations

import pytest

from tests.tui.shots import FOLDER, SCENES, Scene, draw, shown


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_screenshot_is_not_stale(scene: Scene) -> None:
    kept = FOLDER / f"{scene.name}.svg"
    assert kept.exists(), "python -m tests.tui.shots"
    before, now = shown(kept.read_text(encoding="utf-8")), shown(await draw(scene))
    assert before, "no text in it"
    assert before == now, "python -m tests.tui.shots"


async def test_a_scene_is_drawn_the_same_each_time() -> None:
    assert await draw(SCENES[0]) == await draw(SCENES[0])
