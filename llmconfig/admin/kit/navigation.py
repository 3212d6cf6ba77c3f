"""The sidebar: each app registers its groups, and a person sees the pages that their role opens."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import get_language, gettext
from msgspec import Struct

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Page(Struct, frozen=True):
    """One entry. `view` is a name that `reverse` knows, `permission` what opens it.

    `badge` says how many of its rows wait for somebody; 0 shows none.
    """

    title: "StrOrPromise"
    icon: str  # of Material Symbols
    view: str
    permission: str
    badge: Callable[[HttpRequest], int] | None = None


class Section(Struct, frozen=True):
    """A group of entries; lower `rank` comes first."""

    title: "StrOrPromise"
    rank: int
    pages: tuple[Page, ...]


_SECTIONS: dict[str, Section] = {}


def register_section(section: Section) -> None:
    """Put a group of pages into the sidebar."""
    _SECTIONS[str(section.title)] = section


class FoundPage(Struct, frozen=True):
    """A page that the theme's search shows."""

    title: "StrOrPromise"
    description: str
    link: str
    icon: str


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The theme's hook (UNFOLD in the settings)."""
    groups: list[dict[str, Any]] = [
        {
            "title": "",
            "items": [
                {
                    "title": gettext("Overview"),
                    "icon": "dashboard",
                    "link": reverse("admin:index"),
                    "active": request.path == reverse("admin:index"),
                    "has_permission": True,
                }
            ],
        }
    ]
    sections = list(_open_to(request))
    here = _here(request.path, [link for _, pages in sections for _, link in pages])
    for section, pages in sections:
        items: list[dict[str, Any]] = [
            {
                "title": page.title,
                "icon": page.icon,
                "link": link,
                "active": link == here,
                "has_permission": True,  # `_open_to` has asked
                "badge": page.badge(request) if page.badge else 0,
            }
            for page, link in pages
        ]
        waiting = sum(each["badge"] for each in items)
        groups.append(
            {"title": section.title, "items": items, "collapsible": True, "badge": waiting}
        )
    return groups


def _here(path: str, links: Sequence[str]) -> str:
    """The one entry that a page belongs to: the longest that its address begins with."""
    found = [link for link in links if link and path.startswith(link)]
    return max(found, key=len, default="")


def search(request: HttpRequest, term: str) -> list[FoundPage]:
    """The theme's hook: the sidebar's pages by their titles and groups."""
    return [
        FoundPage(page.title, str(section.title), link, page.icon)
        for section, pages in _open_to(request)
        for page, link in pages
        if term.lower() in f"{section.title} {page.title}".lower()
    ]


def _open_to(request: HttpRequest) -> Iterator[tuple[Section, list[tuple[Page, str]]]]:
    """The groups and pages that a person's role opens, in order."""
    for section in sorted(_SECTIONS.values(), key=lambda each: each.rank):
        pages = [
            (page, link)
            for page in section.pages
            if request.user.has_perm(page.permission) and (link := _link(page))
        ]
        if pages:
            yield section, pages


def _link(page: Page) -> str:
    """Blank where the project has taken the page out of its admin."""
    surroundings = (settings.ROOT_URLCONF, get_script_prefix(), get_language() or "")
    return _address(page.view, surroundings)


@lru_cache(maxsize=1024)
def _address(view: str, surroundings: tuple[str, str, str]) -> str:
    """Looked up once for each process, prefix and language: a page has some forty of them."""
    try:
        return reverse(view)
    except NoReverseMatch:
        return ""
