"""docs/troubleshooting.md has each SDK's own words for the same mistake: every row of its table is what that SDK prints today."""

from __future__ import annotations

import re

import pytest

from apps import TOOLS
from mistakes import MISTAKES
from pod import ROOT

PAGE = ROOT / "docs/troubleshooting.md"
SDKS = {"Python": "python", "JavaScript": "javascript", "Go": "go", "Java": "java"}


def rows() -> dict[tuple[str, str], str]:
    """What the page says that an SDK prints, by the mistake and the SDK."""
    section = PAGE.read_text().split("\n## What the SDK shows\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| \[([^]]+)\]\([^)]+\) \| (\w+) \| `(.+)` \|$", section, re.MULTILINE)
    return {(mistake, SDKS[sdk]): words for mistake, sdk, words in cells}


def test_the_page_has_every_mistake_in_every_language():
    assert sorted(rows()) == sorted((mistake, language) for mistake in MISTAKES for language in TOOLS)


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_the_sdk_says_what_the_page_has(world, language, mistake):
    done = MISTAKES[mistake](world, language)
    assert done.code != 0, done.out
    words = rows()[mistake, language]
    pattern = ".*".join(re.escape(part) for part in words.split("…"))
    text = " ".join(done.err.split())
    assert re.search(pattern, text), f"{words!r} is not in {text}"
