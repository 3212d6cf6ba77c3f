"""The sidebar: each app registers its groups, and a person sees the pages that their role opens."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Page:
    """One entry. `view` is a name that `reverse` knows, `permission` what opens it."""

    title: str
    icon: str  # of Material Symbols
    view: str
    permission: str


@dataclass(frozen=True, slots=True)
class Section:
    """A group of entries; lower `rank` comes first."""

    title: str
    rank: int
    pages: tuple[Page, ...]


_SECTIONS: dict[str, Section] = {}


def register_section(section: Section) -> None:
    """Put a group of pages into the sidebar."""
    _SECTIONS[section.title] = section


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The theme's hook (UNFOLD in the settings)."""
    groups = [
        {
            "title": "",
            "items": [{"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}],
        }
    ]
    for section in sorted(_SECTIONS.values(), key=lambda each: each.rank):
        items = [
            {"title": page.title, "icon": page.icon, "link": link}
            for page in section.pages
            if request.user.has_perm(page.permission) and (link := _link(page))
        ]
        if items:
            groups.append({"title": section.title, "items": items})
    return groups


def _link(page: Page) -> str:
    """Blank where the project has taken the page out of its admin."""
    try:
        return reverse(page.view)
    except NoReverseMatch:
        return ""
