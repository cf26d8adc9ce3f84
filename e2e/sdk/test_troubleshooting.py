"""docs/troubleshooting.md has each SDK's own words for the same mistake: every row of its table is what that SDK prints today."""

from __future__ import annotations

import re

import pytest

from apps import TOOLS
from conftest import CLIENT, SUBJECT, World
from pod import ROOT, mutate
from servers import FederatedCredential
from runs import OTHER_TENANT, Run, container, run, walkthrough

PAGE = ROOT / "docs/troubleshooting.md"
SDKS = {"Python": "python", "JavaScript": "javascript", "Go": "go", "Java": "java"}


def rows() -> dict[tuple[str, str], str]:
    """What the page says that an SDK prints, by the mistake and the SDK."""
    section = PAGE.read_text().split("\n## What the SDK shows\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \| (\w+) \| `(.+)` \|$", section, re.MULTILINE)
    return {(mistake, SDKS[sdk]): words for mistake, sdk, words in cells}


def no_identity(world: World, language: str) -> Run:
    account, pod = walkthrough()
    del account["metadata"]["labels"]
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


def other_subject(world: World, language: str) -> Run:
    account, pod = walkthrough()
    account["metadata"]["name"] = pod["spec"]["serviceAccountName"] = "another"
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


def other_case(world: World, language: str) -> Run:
    """The federated credential was made for `Default`, as a person types it."""
    kept = world.entra.credentials[CLIENT]
    world.entra.credentials[CLIENT] = [FederatedCredential(c.issuer, SUBJECT.replace("default", "Default"), c.audience) for c in kept]
    try:
        account, pod = walkthrough()
        mutated = mutate(world.settings(), account, pod)
        return run(world, language, mutated, container(mutated))
    finally:
        world.entra.credentials[CLIENT] = kept


def no_such_identity(world: World, language: str) -> Run:
    account, pod = walkthrough()
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] = OTHER_TENANT
    mutated = mutate(world.settings(), account, pod)
    return run(world, language, mutated, container(mutated))


def no_token_file(world: World, language: str) -> Run:
    account, pod = walkthrough()
    mutated = mutate(world.settings(), account, pod)
    container(mutated)["volumeMounts"] = []
    return run(world, language, mutated, container(mutated))


MISTAKES = {
    "The pod has no identity": no_identity,
    "The federated credential has another subject": other_subject,
    "The federated credential's subject differs by case": other_case,
    "There is no such client id in the tenant": no_such_identity,
    "The token's file is not there": no_token_file,
}


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
