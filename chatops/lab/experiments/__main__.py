"""`python -m chatops.lab.experiments NAME`: one experiment, its result as msgpack on stdout."""

from __future__ import annotations

import sys

import msgspec

from chatops.lab.experiments import EXPERIMENTS


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in EXPERIMENTS:
        print(f"one of {', '.join(EXPERIMENTS)}, please", file=sys.stderr)
        return 2
    sys.stdout.buffer.write(msgspec.msgpack.encode(EXPERIMENTS[arguments[0]].measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
