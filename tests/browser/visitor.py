"""Somebody at a browser, who minds whatever the browser complains of."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import ConsoleMessage, Page, Request

from tests.support.admin import admin_as
from users.models import User

WIDTHS = (1400, 768, 390)
THEMES = ("light", "dark")
HEIGHT = 900
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or settings.DATA_DIR / "screenshots")

# Preloading would fetch the style sheets once more, those they import by wrong addresses.
AXE = {"resultTypes": ["violations"], "preload": False}
# What reaches past the right edge: of the page, or of a box that hides or scrolls it away.
CUT_OFF = """() => {
    const name = element => `${element.tagName.toLowerCase()}#${element.id}.${element.className}`;
    const root = document.documentElement;
    const boxes = [...document.querySelectorAll("body *")].filter(element =>
        element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1
        && ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX)
        && !["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName)
        && parseInt(getComputedStyle(element).textIndent) === 0  // words in place of an icon
        && !element.closest(".visually-hidden, [data-scrolls]"));
    return [
        ...root.scrollWidth > root.clientWidth ? [`page: ${root.scrollWidth} px`] : [],
        ...boxes.map(box => `${name(box)}: ${box.scrollWidth} px in ${box.clientWidth}`),
    ];
}"""


class Visitor:
    """A page, the address of the service, and what was wrong so far.

    The test fails at its end if the console showed an error, the policy was violated, a script
    broke, a request failed or went to anybody but the service.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.problems: list[str] = []
        page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        page.set_default_timeout(10_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._requested)

    def log_in(self, user: User) -> None:
        """Have a session of a user, without a form."""
        session = admin_as(user).cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.address}]
        )

    def open(self, path: str) -> None:
        """Go to a page of the service."""
        self.page.goto(self.address + path)

    def look(self, name: str) -> None:
        """Photograph the page at each width, light and dark, and judge what is there.

        Raises AssertionError where something is cut off, or axe-core finds what some people
        cannot use. The photographs are data/screenshots/<name>-<width>-<theme>.png.
        """
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        found: dict[str, list[str]] = {}
        for theme in THEMES:
            self.page.emulate_media(color_scheme="light" if theme == "light" else "dark")
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
                picture = SCREENSHOTS / f"{name}-{width}-{theme}.png"
                # Without `caret` Playwright adds a style that the policy forbids.
                self.page.screenshot(path=picture, full_page=True, caret="initial")
                found[f"cut off at {width} px"] = self.page.evaluate(CUT_OFF)
                # Colours do not depend on the width, nor names on the colours.
                if width == WIDTHS[0] or (theme == "light" and width == WIDTHS[-1]):
                    found[f"axe at {width} px, {theme}"] = self._axe()
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        faults = [f"{where}: {fault}" for where, faults in found.items() for fault in faults]
        assert not faults, "\n".join([f"{name}:", *faults])

    def _axe(self) -> list[str]:
        violations = Axe().run(self.page, options=AXE).response["violations"]
        return [
            f"{violation['id']}: {node['html']}: {node['failureSummary']}"
            for violation in violations
            for node in violation["nodes"]
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", f"blob:{self.address}/")):
            self.problems.append(f"external: {request.url}")
