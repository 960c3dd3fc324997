"""A real Chromium without a window, driven over its debugging pipe (Chrome DevTools Protocol).

What a page of `chatops web` shows is drawn on a canvas; so what is looked at is what has come
over the page's WebSocket, on a terminal of our own of the size that the page has asked for.
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyte

from tests.patience import Deadline, scaled

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome")
                 if (found := shutil.which(name))), "")
PATIENCE = scaled(20.0)
# The pipe is on descriptors 3 and 4, whatever numbers it has here.
LAUNCH = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
          "os.execv(sys.argv[3], sys.argv[3:])")


class Browser:
    """One browser with one page.  To be used by one thread, and closed."""

    def __init__(self, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), CHROMIUM,
             "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
             "--enable-unsafe-swiftshader", "--window-size=1100,700", "--no-first-run",
             f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.status = 0                # of the page, as HTTP says it
        self.closed = False            # the page's WebSocket has been
        self._buffer = b""
        self._count = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._screen: pyte.Screen | None = None
        self._stream: pyte.ByteStream | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = ""
        self._session = self.ask("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime"):
            self.ask(f"{domain}.enable")
        # The page thinks that its window is in front, as a person's would be.
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        self._count += 1
        number = self._count
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._count > 2:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        self.until(lambda: number in self._answers)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, link: str) -> None:
        self.ask("Page.navigate", url=link)

    def press(self, keys: str) -> None:
        """Type these, one after the other; `\\r` is enter."""
        for key in keys:
            name = {"\r": "Enter", "\t": "Tab"}.get(key, key)
            code = ord(key.upper())
            for kind in ("keyDown", "keyUp"):
                self.ask("Input.dispatchKeyEvent", type=kind, key=name, text=key,
                         windowsVirtualKeyCode=code, code=f"Key{key.upper()}"
                         if key.isalpha() else name)

    def picture(self, path: Path) -> None:
        """What the page looks like, as PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    @property
    def text(self) -> str:
        """The console's screen."""
        return "\n".join(self._screen.display) if self._screen is not None else ""

    def see(self, pattern: str) -> re.Match[str]:
        """Wait until the console shows this."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            if match := re.search(pattern, self.text):
                found.append(match)
            return bool(found)

        self.until(look)
        return found[0]

    def until(self, true: Callable[[], object]) -> None:
        """Take in what the browser tells until this holds."""
        deadline = Deadline(PATIENCE)
        while not true():
            left = deadline.left()
            if left <= 0 or self.process.poll() is not None:
                raise AssertionError(f"it did not come true in time; the page shows\n{self.text}")
            if select.select([self._in], [], [], min(left, 0.2))[0]:
                self._buffer += os.read(self._in, 1 << 20)
                *messages, self._buffer = self._buffer.split(b"\0")
                for message in messages:
                    self._take(json.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        told = message["params"]
        match message["method"]:
            case "Network.webSocketCreated":
                size = parse_qs(urlsplit(told["url"]).query)
                self._screen = pyte.Screen(int(size["width"][0]), int(size["height"][0]))
                self._stream = pyte.ByteStream(self._screen)
                self.closed = False
            case "Network.webSocketFrameReceived" if (
                    self._stream is not None and told["response"]["opcode"] == 2):
                self._stream.feed(base64.b64decode(told["response"]["payloadData"]))
            case "Network.webSocketClosed":
                self.closed = True
            case "Network.responseReceived" if told["type"] == "Document":
                self.status = told["response"]["status"]

    def kill(self) -> None:
        """It vanishes, and says nothing."""
        os.killpg(self.process.pid, 9)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self.process.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)
