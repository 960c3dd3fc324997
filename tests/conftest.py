"""What holds for every test: it ends, in a time that is made to the measure of the machine."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import pytest

from tests.patience import scaled

LONGEST = 120.0                # seconds on an idle machine; several times what any test takes
PER_CORE = 3                   # of `-n auto`: most tests wait for a process or a screen more than
                               # they compute


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Several workers for each core, unless the environment says how many in all."""
    cores = yield
    return cores if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else cores * PER_CORE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No test hangs for ever, unless `--timeout` says otherwise; a soak minds its own end."""
    if config.getoption("timeout") is not None:
        return
    for item in items:
        if not item.get_closest_marker("timeout") and not item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(scaled(LONGEST)))


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: no collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()
