"""Pages in a real browser: Chromium without a window, driven through its DevTools protocol over two pipes."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60  # seconds for an answer, which takes milliseconds
NO_NETWORK = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic")
FLAGS = [f"--{flag}" for flag in ("headless", "no-sandbox", "disable-gpu", "no-first-run", *NO_NETWORK)]


class Browser:
    """One tab of Chromium."""

    def __init__(self, requests: int, answers: int):
        self._requests, self._answers = os.fdopen(requests, "wb"), answers
        self._number, self._rest, self._session = 0, b"", {}
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        self._send("Page.enable")

    def open(self, path: Path, part: str = "", width: int = 1280, dark: bool = False) -> None:
        """Loads a page at a width in pixels; `part` is what stands behind the # of its address."""
        shape = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        self._send("Emulation.setDeviceMetricsOverride", **shape)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._send("Page.navigate", url="about:blank")  # another # alone would not load the page again
        answer = self._send("Page.navigate", url=f"{path.as_uri()}{'#' if part else ''}{part}")
        assert "errorText" not in answer, answer
        while self("document.readyState") != "complete" or self("location.protocol") != "file:":
            pass

    def __call__(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; an error in it fails the test."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Presses a key, as a user does: Tab 9, Enter 13, Escape 27."""
        text = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._send("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self._send("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path, whole: bool = True) -> None:
        """Writes a PNG of the page, for people to look at."""
        content = self._send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(content))

    def _send(self, method: str, **parameters: Any) -> dict:
        self._number += 1
        request = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._requests.write(json.dumps(request).encode() + b"\0")
        self._requests.flush()
        while True:
            while b"\0" not in self._rest:
                assert select.select([self._answers], [], [], PATIENCE)[0], f"no answer to {method} {parameters}"
                part = os.read(self._answers, 1 << 16)
                assert part, "the browser has ended"
                self._rest += part
            message, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(message)
            if answer.get("id") == self._number:  # anything else is an event
                assert "error" not in answer, answer
                return answer.get("result", {})


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with its profile in a folder; skips the test on machines without Chromium."""
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    read_requests, write_requests = os.pipe()
    read_answers, write_answers = os.pipe()
    # Chromium reads requests from file 3 and writes answers to file 4.
    shell = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'
    command = ["bash", "-c", shell, str(read_requests), str(write_answers), PROGRAM, *FLAGS]
    command += ["--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, pass_fds=(read_requests, write_answers), stderr=subprocess.DEVNULL)
    os.close(read_requests)
    os.close(write_answers)
    try:
        tab = Browser(write_requests, read_answers)
        yield tab
        tab._send("Browser.close")
    finally:
        process.terminate()
        process.wait(20)
