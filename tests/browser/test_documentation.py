"""The two documentation pages of the API: whole, and from this service alone."""

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_swagger_ui_shows_every_tag(visitor: Visitor) -> None:
    visitor.open("/api/docs")
    expect(visitor.page.locator(".opblock-tag").first).to_be_visible()
    visitor.page.locator("#operations-Projects-projects_list .opblock-summary-control").click()
    expect(visitor.page.get_by_text("List projects").first).to_be_visible()


def test_redoc_shows_the_document(visitor: Visitor) -> None:
    visitor.open("/api/redoc")
    expect(visitor.page.get_by_role("heading", name="TimeTracker API")).to_be_visible()
    visitor.page.wait_for_load_state("networkidle")
