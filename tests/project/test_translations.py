"""Every text of the admin is marked for translation, and each has its German and its Spanish.

Marked means: handed to gettext, or inside a translating tag. What a person reads and nobody marked
is found by how it looks: words with blanks between them in the admin's code, literals in the places
that Django shows, and text between HTML tags.
"""

import ast
import gettext
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.template.base import Lexer, TokenType
from django.utils.functional import Promise
from django.utils.translation.template import templatize

# The code is read once.
pytestmark = pytest.mark.xdist_group("test_translations")

ROOT = Path(__file__).resolve().parents[2]
APPS = ("llmconfig", "metrics", "enrichment", "project")
LANGUAGES = ("de", "es")
MARKS = {
    "_",
    "gettext",
    "gettext_lazy",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
    "gettext_noop",
}
SHOWN_KEYWORDS = {
    "verbose_name", "verbose_name_plural", "help_text", "label", "empty_label",
    "short_description", "violation_error_message",
}  # fmt: skip
SHOWN_NAMES = {
    "title", "verbose_name", "verbose_name_plural", "label", "short_description",
    "search_help_text",
}  # fmt: skip
SHOWN_KEYS = {"title", "description", "placeholder", "aria-label"}
SHOWN_FIRST = {"badge", "Page", "Section", "ValidationError"}
LEVELS = {"success", "info", "warning", "error"}
# Read by machines, by developers, or kept in one language: what is inside them is no page's text.
UNSHOWN_CALLS = frozenset({
    "revision", "change", "log_addition", "ValueError", "RuntimeError", "NotImplementedError",
    "format_html", "format_html_join", "mark_safe", "compile", "RunPython", "RunSQL",
    "SafeString", "register", "reverse", "partition", "rpartition", "removesuffix",
})  # fmt: skip
UNSHOWN_KEYWORDS = {"content_type", "pattern", "message", "name", "db_table", "class", "enrichment"}
# Words in the admin's code that no page translates, each with its reason.
UNMARKED = {
    ": es": "codes of languages",
    ": listings": "an app's label",
    "provider/model": "how a reference is written",
    "genai-prices": "a name",
    "the reviver will start it": "a log",
    "curl {base}/chat/completions": "a program",
    "from os import getenv": "a program",
    "import OpenAI from": "a program",
    "attachment; filename": "a header",
    "SELECT count(*) FROM": "a statement",
    "Only the newest": "stands in a CSV file, as its columns do",
    "The database was asked for too long": "stands in a CSV file",
    "Test of the alert rule": "kept and sent: messages have one language",
    "This is a test.": "kept and sent",
    "Priced calls of": "a note in the history, which has one language",
    "Added a": "a note in the history",
    "least confidence for a precision": "a note in the history",
    "SELECT pg_relation_size": "a query",
    "SELECT (SELECT count": "a query",
}
# Text between tags that is the same in every language.
SAME_EVERYWHERE = {"Nodewise", "chevron_right", "production"}
ATTRIBUTES = {"aria-label", "title", "placeholder", "alt", "data-label"}
CODE = {"script", "style", "code", "kbd"}
WORDS = re.compile(r"[A-Za-z]{2,}[.,:;?!]? [A-Za-z]{2,}")
# Filters that put words beside a value.
BRINGS_WORDS = re.compile(r"""\|pluralize|\|(?:default|yesno)[a-z_]*:["'][^"']*[A-Za-z]{2}""")
PLACEHOLDER = re.compile(r"\{\w+(?:![rs])?\}|%\(\w+\)[sd]")


def called(node: ast.AST | None) -> str:
    """The last part of a called name."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def text_of(node: ast.AST) -> str:
    """A literal's text without what an f-string fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_shown(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a literal stands where Django or a page shows it, however short it is."""
    parent = parents[node]
    above = parents.get(parent)
    if isinstance(parent, ast.keyword):
        display = called(above) in {"display", "action"}
        return parent.arg in SHOWN_KEYWORDS or (parent.arg == "description" and display)
    if isinstance(parent, ast.Call) and parent.args:
        function, first = called(parent), parent.args[0] is node
        sender = getattr(parent.func, "value", None)
        told = function in LEVELS and getattr(sender, "id", "") == "messages"
        return told or (first and function in SHOWN_FIRST)
    if isinstance(parent, ast.Assign):
        return getattr(parent.targets[0], "id", "") in SHOWN_NAMES
    if isinstance(parent, ast.Dict):
        keys = {
            id(v): getattr(k, "value", None)
            for k, v in zip(parent.keys, parent.values, strict=True)
        }
        return keys.get(id(node)) in SHOWN_KEYS
    if isinstance(parent, ast.Tuple) and len(parent.elts) == 2:
        head, tail = parent.elts
        is_fieldset = head is node and isinstance(tail, ast.Dict) and any(
            getattr(key, "value", None) == "fields" for key in tail.keys
        )  # fmt: skip
        holder = parents.get(above) if isinstance(above, ast.Assign) else None
        choices = isinstance(holder, ast.ClassDef) and any(
            getattr(base, "attr", getattr(base, "id", "")).endswith("Choices")
            for base in holder.bases
        )
        return is_fieldset or (choices and tail is node)
    return False


def around_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[ast.AST]:
    """What a literal stands in, up to its statement."""
    found = [parents[node]]
    while not isinstance(found[-1], ast.stmt | ast.Module):
        found.append(parents[found[-1]])
    return found


def _is_no_text(node: ast.AST, around: list[ast.AST]) -> bool:
    """A docstring, an annotation in quotes, or a part of an f-string, which is told as a whole."""
    inner = around[0]
    if isinstance(inner, ast.Expr | ast.JoinedStr | ast.arg | ast.FunctionDef):
        return True
    statement, below = around[-1], around[-2] if len(around) > 1 else node
    return isinstance(statement, ast.AnnAssign) and below is statement.annotation


def unmarked(source: str, *, unshown: frozenset[str] = UNSHOWN_CALLS) -> list[str]:
    """The literals of Python code that people would read in one language only."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        text = text_of(node)
        if not isinstance(node, ast.expr) or not re.search(r"[A-Za-z]{2}", text):
            continue
        around = around_of(node, parents)
        calls = {called(each) for each in around}
        if isinstance(node, ast.JoinedStr) and calls & MARKS:
            found.append(f"{node.lineno}: an f-string in gettext: {text}")
        if calls & MARKS or _is_no_text(node, around):
            continue
        keywords = {each.arg for each in around if isinstance(each, ast.keyword)}
        hidden = calls & unshown or keywords & UNSHOWN_KEYWORDS or "nw-" in text
        plain = re.sub(r"<[^>]*>|\{[^}]*\}", " ", text)
        if _is_shown(node, parents) or (WORDS.search(plain) and not hidden):
            found.append(f"{node.lineno}: {text}")
    return found


class _Texts(HTMLParser):
    """Collects what a page shows: text between tags, and attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in CODE:
            self.inside.append(tag)
        self.found += [v for k, v in attrs if k in ATTRIBUTES and v and re.search("[a-zA-Z]{2}", v)]

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        for line in data.split("\n"):
            if not self.inside and re.search(r"[A-Za-z]{2}", line):
                self.found.append(line.strip(" |·:,.\xa0()"))


def unmarked_in_template(source: str) -> list[str]:
    """What a template shows outside the translating tags, and texts that filters bring in."""
    kept: list[str] = []
    found: list[str] = []
    blocks = 0
    for token in Lexer(source).tokenize():
        words = token.contents.split()
        if token.token_type == TokenType.BLOCK and words[0] in {"blocktranslate", "blocktrans"}:
            blocks += 1
        elif token.token_type == TokenType.BLOCK and words[0].startswith("endblocktrans"):
            blocks -= 1
        elif token.token_type == TokenType.BLOCK and words[-1].endswith("_attributes"):
            # Where the tag itself stands in the parent template.
            before = "".join(kept)
            inside = before.rfind("<") > before.rfind(">")
            if words[0] == "block" and not inside:
                kept.append("<form data-lent ")
            elif words[0] == "endblock" and "<form data-lent" in before:
                kept.append(">")
        elif token.token_type == TokenType.TEXT and not blocks:
            kept.append(token.contents)
        elif token.token_type == TokenType.VAR and BRINGS_WORDS.search(token.contents):
            found.append(token.contents)
    parser = _Texts()
    parser.feed("".join(kept))
    return found + [each for each in parser.found if each and each not in SAME_EVERYWHERE]


def _code() -> Iterator[Path]:
    """The admin's code, and the tables whose texts its forms show."""
    for app in (ROOT / "llmconfig", ROOT / "metrics", ROOT / "enrichment"):
        for path in sorted(app.rglob("*.py")):
            if {"admin", "models"} & set(path.parts) or path.name in {"models.py", "apps.py"}:
                yield path
    yield ROOT / "project" / "admin.py"


def _templates() -> Iterator[Path]:
    for folder in ("templates", "llmconfig", "metrics", "enrichment"):
        yield from sorted((ROOT / folder).rglob("*.html"))


def test_no_text_of_the_admins_code_is_unmarked():
    found = {
        f"{path.relative_to(ROOT)}:{each}"
        for path in _code()
        for each in unmarked(path.read_text(encoding="utf-8"))
        if not any(known in repr(each) or known in each for known in UNMARKED)
    }
    assert found == set()


def unlabelled(source: str) -> list[str]:
    """Fields of forms that Django would call by their names, which stay English."""
    return [
        f"{node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("forms.")
        and called(node).endswith("Field")
        and "Hidden" not in ast.unparse(node)
        and not any(keyword.arg == "label" for keyword in node.keywords)
    ]


def test_every_field_of_a_form_has_a_marked_label():
    found = {
        f"{path.relative_to(ROOT)}:{each}"
        for path in _code()
        for each in unlabelled(path.read_text(encoding="utf-8"))
    }
    assert found == set()
    assert unlabelled("reads = forms.ChoiceField(required=False)") != []


def test_no_text_of_a_template_is_unmarked():
    found = {
        f"{path.relative_to(ROOT)}: {each}"
        for path in _templates()
        for each in unmarked_in_template(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_every_column_and_table_is_called_by_a_marked_name():
    for label in ("llmconfig", "metrics", "enrichment", "listings"):
        for model in apps.get_app_config(label).get_models():
            assert isinstance(model._meta.verbose_name, Promise), model
            for field in model._meta.local_fields:
                named = isinstance(field.verbose_name, Promise) or field.verbose_name == "ID"
                assert named, f"{field}: name it, or add it to column_names.py"


@pytest.mark.parametrize(
    "source",
    [
        'name = models.CharField(help_text="Its name.")',
        'class A(models.TextChoices):\n    ONE = "one", "One"',
        'fieldsets = (("Limits", {"fields": ("a",)}),)',
        'messages.success(request, "Saved.")',
        'raise ValidationError("Wrong.")',
        '@admin.display(description="State")\ndef state(): ...',
        'class F:\n    title = "outcome"',
        'def f():\n    return "too early to tell"',
        'def f():\n    return gettext(f"{number} rows are left")',
    ],
)
def test_unmarked_code_is_found(source):
    assert len(unmarked(source)) == 1
    assert unmarked(re.sub(r'(?<![=f])f?("[A-Z][^"]*")', r"_(\1)", 'x = _("A text.")')) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Nothing yet.</p>",
        '<button aria-label="Close">{{ icon }}</button>',
        '{{ name|default:"nobody" }}',
        "{{ rows }} row{{ rows|pluralize }}",
        '{% if a %}{% translate "Yes" %}{% else %}No rows{% endif %}',
    ],
)
def test_unmarked_templates_are_found(source):
    assert unmarked_in_template(source)
    assert (
        unmarked_in_template('<p title="{% translate "A" %}">{{ b }} · <code>c d</code></p>') == []
    )


def _entries(text: str) -> Iterator[tuple[str, str, list[str], bool]]:
    """A catalogue's entries: id, plural, translations, whether it is fuzzy; contexts lead the"
    " id."""
    for block in text.split("\n\n"):
        parts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            named = re.match(r'(msg\w+(?:\[\d\])?) (?=")', line)
            key = named[1] if named else key
            if key and not line.startswith("#"):
                parts[key] = parts.get(key, "") + ast.literal_eval(line[line.index('"') :])
        said = [value for name, value in sorted(parts.items()) if name.startswith("msgstr")]
        context = f"{parts['msgctxt']}\x04" if "msgctxt" in parts else ""
        yield context + parts["msgid"], parts.get("msgid_plural", ""), said, "#, fuzzy" in block


@cache
def _catalogue(app: str, language: str) -> dict[str, tuple[str, list[str], bool]]:
    path = ROOT / app / "locale" / language / "LC_MESSAGES" / "django.po"
    entries = _entries(path.read_text(encoding="utf-8"))
    return {name: (plural, said, fuzzy) for name, plural, said, fuzzy in entries if name}


def _app_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first if first in APPS else "project"


def _marked_in(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        source = templatize(source)
        for call in re.findall(r"gettext\(('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", source):
            yield ast.literal_eval(call)
        return
    if not any(mark in source for mark in MARKS):
        return
    for node in ast.walk(ast.parse(source)):
        if called(node) in MARKS and isinstance(node, ast.Call) and node.args:
            text = text_of(node.args[0])
            if text:
                yield text


def _marked() -> dict[str, set[str]]:
    """The marked texts by app."""
    found: dict[str, set[str]] = {app: set() for app in APPS}
    folders = [ROOT / each for each in (*APPS, "nodewise", "templates")]
    for path in (each for folder in folders for each in sorted(folder.rglob("*"))):
        skipped = {"migrations", "embedded", "locale"} & set(path.parts)
        if path.suffix in {".py", ".html"} and not skipped:
            found[_app_of(path)].update(_marked_in(path))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_marked_text_is_translated(language):
    for app, texts in _marked().items():
        known = {name.partition("\x04")[2] or name for name in _catalogue(app, language)}
        assert texts - known == set(), f"{app}: run makemessages, see CONTRIBUTING.md"
        assert len(texts) > 10


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("app", APPS)
def test_translations_are_whole_and_keep_their_placeholders(app, language):
    wrong = []
    for name, (plural, said, fuzzy) in _catalogue(app, language).items():
        wanted = [name, plural] if plural else [name]
        if fuzzy or len(said) != len(wanted) or not all(said):
            wrong.append(name)
            continue
        for original, translated in zip(wanted, said, strict=True):
            if sorted(PLACEHOLDER.findall(original)) != sorted(PLACEHOLDER.findall(translated)):
                wrong.append(f"{name} → {translated}")
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("app", APPS)
def test_the_compiled_catalogue_is_of_its_source(app, language):
    compiled = ROOT / app / "locale" / language / "LC_MESSAGES" / "django.mo"
    with compiled.open("rb") as file:
        held = vars(gettext.GNUTranslations(file))["_catalog"]
    wanted: dict[object, str] = {}
    for name, (plural, said, _) in _catalogue(app, language).items():
        wanted |= {(name, at): text for at, text in enumerate(said)} if plural else {name: said[0]}
    assert {name: text for name, text in held.items() if name} == wanted


@pytest.mark.django_db
def test_pages_follow_the_browser_until_a_person_chooses(admin_client):
    german = admin_client.get("/admin/", headers={"accept-language": "de"})
    assert "Übersicht" in german.content.decode()
    admin_client.post("/i18n/setlang/", {"language": "es", "next": "/admin/"})
    spanish = admin_client.get("/admin/", headers={"accept-language": "de"})
    assert "Resumen" in spanish.content.decode()
    assert "Overview" in admin_client_without_a_choice(admin_client)


def admin_client_without_a_choice(client):
    """The overview as a browser gets it that asks for a language we don't have."""
    del client.cookies["django_language"]
    return client.get("/admin/", headers={"accept-language": "fr"}).content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_one_translation_whichever_app_it_stands_in(language):
    """Django merges the catalogues: of two translations the first app's would stand everywhere."""
    found: dict[str, set[str]] = {}
    for app in APPS:
        for name, (_, said, _) in _catalogue(app, language).items():
            found.setdefault(name, set()).add(" / ".join(said))
    assert {name: said for name, said in found.items() if len(said) > 1} == {}
    assert len(found) > 1000
