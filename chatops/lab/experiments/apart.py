"""Running an experiment in a process of its own, and getting its result back.

An experiment would disturb the server it is shown beside, and the server the experiment:
one burns a core for a while, which in one process costs everybody the GIL; one opens as
many descriptors as there are, so that the next client's would be beyond select's limit;
one needs the main thread for its signal handler.  A child has all of that to itself and
takes it along when it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

import chatops
from chatops.lab.experiments import EXPERIMENTS
from chatops.system.errors import ChatopsError

DEADLINE = 20.0                # seconds; each takes under 3 on an idle machine


class ExperimentError(ChatopsError, RuntimeError):
    """The experiment could not be made here; the message is the child's last line."""


def run_apart(name: str, deadline: float = DEADLINE) -> Any:
    """The result of the experiment of this name.  Blocks for as long as it takes.

    Raises `ExperimentError`, and KeyError for a name that is not in `EXPERIMENTS`.
    """
    expected = EXPERIMENTS[name].result
    try:
        # -P: whatever lies in the current directory is not imported in a module's stead.
        done = subprocess.run([sys.executable, "-P", "-m", "chatops.lab.experiments", name],
                              stdin=subprocess.DEVNULL, capture_output=True, env=_environment(),
                              timeout=deadline, check=False, start_new_session=True)
    except subprocess.TimeoutExpired:
        raise ExperimentError(f"'{name}' did not end within {deadline:g} s") from None
    except OSError as error:
        raise ExperimentError(f"no process for '{name}': {error}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ExperimentError(lines[-1] if lines else f"'{name}' ended with {done.returncode}")
    return msgspec.msgpack.decode(done.stdout, type=expected)


def _environment() -> dict[str, str]:
    """With this package importable, wherever the console was started from."""
    here = str(Path(chatops.__file__).parents[1])
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{path}" if path else here}
