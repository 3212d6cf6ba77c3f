"""A person at a real browser: Chromium without a window, driven by Playwright."""

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


def browse(
    server: str, visit: Callable[[Any], None], *, seconds: float = 200, start: str = "/admin/"
) -> None:
    """Sign in as grace and visit; in a thread, as Playwright runs an event loop, the ORM none."""

    def inside() -> None:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
            )
            page = browser.new_page()
            page.set_default_timeout(seconds * 1000)
            page.goto(f"{server}{start}")
            page.fill("[name=username]", "grace")
            page.fill("[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_url(f"{server}/admin/")
            visit(page)
            browser.close()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(inside).result(seconds + 30)  # the page says first what it waited for
