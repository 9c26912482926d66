"""What the documents show: fenced blocks and code within sentences, by markdown-it, each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "client/README.md", "benchmarks/README.md")


@dataclass(frozen=True, slots=True)
class Shown:
    """A block, or code within a sentence, whose `language` is None."""

    document: str
    line: int
    language: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@cache
def shown() -> tuple[Shown, ...]:
    """All of it, in order."""
    documents = [*DOCUMENTS, *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md")))]
    return tuple(one for document in documents for one in _of(document))


def blocks(*languages: str) -> list[Shown]:
    return [one for one in shown() if one.language is not None and one.language in (languages or (one.language,))]


def in_sentences() -> list[Shown]:
    return [one for one in shown() if one.language is None]


def _of(document: str) -> Iterator[Shown]:
    tokens = MarkdownIt("commonmark").enable("table").parse((ROOT / document).read_text(encoding="utf-8"))
    for token in tokens:
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            yield Shown(document, token.map[0] + 1, token.info.strip(), token.content)
        elif token.type == "inline":
            assert token.map is not None
            codes = (child.content for child in token.children or () if child.type == "code_inline")
            yield from (Shown(document, token.map[0] + 1, None, code) for code in codes)
