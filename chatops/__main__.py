"""The command: `chatops`, and `python -m chatops`."""

import signal


def run() -> None:
    """Ctrl-C ends it silently from the first moment on, with most of it not imported yet: Python's
    own handler would say where that was.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from chatops.cli import main

    main(prog_name="chatops")


if __name__ == "__main__":
    run()
