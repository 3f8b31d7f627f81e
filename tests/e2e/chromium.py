"""Controls Chromium without a window through its DevTools protocol."""

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-proxy-server",
    "--mute-audio",
    "--disable-gpu",
    "--no-first-run",
)


def program() -> str:
    """Returns the path of Chromium; skips the test without Chromium or websocket-client."""
    pytest.importorskip("websocket", reason="needs websocket-client")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or pytest.skip("needs Chromium, which is not here")


class Chromium:
    """A browser with one page and an empty profile; `with` ends it.

    Args:
        folder: Folder for the profile.
        *flags: Further flags of Chromium.
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        import websocket

        command = [
            program(),
            *FLAGS,
            *flags,
            f"--user-data-dir={folder}",
            "--remote-debugging-port=0",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._ids = itertools.count(1)
        try:
            port = int(_waited(lambda: (folder / "DevToolsActivePort").read_text().split()[0]))
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
                (page,) = (target for target in json.load(answer) if target["type"] == "page")
            address = page["webSocketDebuggerUrl"]
            self._socket = websocket.create_connection(
                address, timeout=60, suppress_origin=True, http_no_proxy=["*"]
            )
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.tell("Browser.close")
            self._socket.close()
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command of the protocol and returns its result."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            continue  # events
        assert "error" not in answer, answer
        return answer["result"]

    def run(self, script: str, **options: Any) -> Any:
        """Returns the value of an expression in the page; that of a promise when it is resolved."""
        parameters = {"returnByValue": True, "awaitPromise": True, **options}
        done = self.tell("Runtime.evaluate", expression=script, **parameters)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value", done["result"])

    def open(self, address: str) -> None:
        """Opens an address and waits until the page is loaded."""
        self.tell("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Waits until an expression is true in the page."""
        _waited(lambda: self.run(condition) or None, seconds, condition)

    def choose(self, path: Path, element: str) -> None:
        """Chooses a file in the element that a CSS selector finds."""
        handle = self.run(f"document.querySelector('{element}')", returnByValue=False)
        self.tell("DOM.setFileInputFiles", files=[str(path)], objectId=handle["objectId"])

    def image(self) -> bytes:
        """Returns a PNG of the page."""
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"])


def _waited(value: Any, seconds: float = 60, what: str = "Chromium") -> Any:
    """Calls a function until it returns a value, and returns that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if (found := value()) is not None:
                return found
        except (FileNotFoundError, IndexError):
            pass  # the file does not exist yet, or is incomplete
        time.sleep(0.05)
    raise TimeoutError(f"{what} after {seconds} s")
