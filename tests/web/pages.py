"""Pages in a real browser, for tests: opened, given pictures, and read."""

import atexit
import contextlib
import functools
import io
import itertools
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from zoo.export import litert_js, webserver

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed"),
    pytest.mark.skipif(
        not litert_js.is_here(),
        reason="no LiteRT.js: zoo web --fetch",
    ),
]
CHOICES = itertools.count()  # each picture has a title of its own
LONG = 180_000  # milliseconds; a shared machine may be slow


@contextlib.contextmanager
def served(site):
    """The address of a site."""
    with webserver.server(site, port=0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{running.server_port}/"
        finally:
            running.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium(*arguments: str):
    # root, as CI runs, has no sandbox of Chromium's
    options = ["--no-sandbox", *arguments]
    running = _engine().chromium.launch(executable_path=BROWSER, args=options)
    try:
        yield running
    finally:
        running.close()


@functools.cache
def _engine():
    """Of which a process can have one."""
    made = playwright.sync_playwright().start()
    atexit.register(made.stop)
    return made


@contextlib.contextmanager
def opened(browser, address: str):
    """A page whose console stays free of errors."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    page.set_default_timeout(LONG)
    try:
        yield page
    finally:
        context.close()
    assert errors == []


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def choose(page, pixels: np.ndarray, name: str = "mine.png") -> None:
    file = {"name": name, "mimeType": "image/png", "buffer": png(pixels)}
    page.locator("#task [data-file]").last.set_input_files(file)


def choose_and_see(page, pixels: np.ndarray) -> None:
    """Chooses a picture to restore; until the page tells of it, it works on the one before."""
    title = f"mine-{next(CHOICES)}"
    choose(page, pixels, f"{title}.png")
    page.locator("[data-status]", has_text=f"{title}: ").wait_for()


def restored(page, pixels: np.ndarray) -> np.ndarray:
    """What the page makes of a picture, from the file that it offers."""
    choose_and_see(page, pixels)
    return started(page, pixels)


def started(page, pixels: np.ndarray) -> np.ndarray:
    page.locator("[data-start]").click()
    page.locator("[data-status]", has_text="Done").wait_for()
    with page.expect_download() as download:
        page.locator("[data-download]").click()
    with Image.open(download.value.path()) as image:
        assert image.mode == "RGBA"
        result = np.asarray(image)
    assert (result[..., 3] == 255).all()
    return result[..., :3] if pixels.ndim == 3 else result[..., 0]


def difference(one: np.ndarray, other: np.ndarray) -> int:
    """The largest, in grey levels; printed for the record (pytest -s)."""
    assert one.shape == other.shape
    found = int(np.abs(one.astype(int) - other.astype(int)).max())
    print(f"largest difference {found} of 255, in {(one != other).mean():.2%} of the values")
    return found


def canvas(page, selector: str) -> np.ndarray:
    """What stands in a canvas of grey pixels."""
    width, height, values = page.locator(selector).evaluate(
        """(canvas) => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return [width, height, Array.from(data)];
        }"""
    )
    return np.asarray(values, np.uint8).reshape(height, width, 4)[..., :1]


def trouble(page) -> str:
    page.locator("#trouble").wait_for()
    return page.locator("#trouble").inner_text()
