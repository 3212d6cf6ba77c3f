"""A person at a real browser: Chromium without a window, driven by Playwright.

A browser takes longer to start than most visits do: the first one that is needed serves all tests
of its process, each with a context of its own, which shares no cookies, storage or pages.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "a-long-password"
CHROMIUM = next(
    (each for each in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(each).exists()), ""
)
in_a_browser = pytest.mark.skipif(not CHROMIUM, reason="no chromium here; CI installs it")
PATIENCE_SECONDS = 200.0


class _Browser:
    """Chromium and the thread that drives it: Playwright runs an event loop there, the ORM none."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self.playwright: Any = None
        self.running: Any = None

    def page(self) -> Any:
        """A page in a context of its own, in the browser's thread; closed, both are gone."""
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

        if self.playwright is None:
            self.playwright = sync_playwright().start()
        if self.running is None or not self.running.is_connected():
            self.running = self.playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
            )
        return self.running.new_page()

    def stop(self) -> None:
        """In the browser's thread."""
        if self.running is not None:
            self.running.close()
        if self.playwright is not None:
            self.playwright.stop()


_browsers: list[_Browser] = []


def browse(
    server: str,
    visit: Callable[[Any], None],
    *,
    seconds: float = PATIENCE_SECONDS,
    start: str = "/admin/",
) -> None:
    """Sign in as grace and visit: `visit` is called with the page, in the browser's thread."""
    if not _browsers:
        _browsers.append(_Browser())
    browser = _browsers[0]

    def inside() -> None:
        page = browser.page()
        try:
            page.set_default_timeout(seconds * 1000)
            page.goto(f"{server}{start}")
            page.fill("[name=username]", "grace")
            page.fill("[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_url(f"{server}/admin/")
            visit(page)
        finally:
            page.close()

    # The page says first what it waited for.
    browser.thread.submit(inside).result(seconds + 30)


def close() -> None:
    """End the browser, if one was needed."""
    while _browsers:
        browser = _browsers.pop()
        browser.thread.submit(browser.stop).result(60)
        browser.thread.shutdown()
