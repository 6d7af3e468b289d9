"""Whoever runs this may: every licence of what is installed with it is known, and fits the Apache License."""

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from tests.house.source import ROOT
from tests.proofs.ledger import Ledger

ALLOWED = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
    }
)
# What asks for more, and why it may be used.
EXCEPTIONS = {
    "certifi": "MPL-2.0: used as it is published; its files alone would stay under it",
    "pathspec": "MPL-2.0: used as it is published; a tool of the build",
    "python-stdnum": "LGPL-2.1-or-later: imported as it is published, and whoever installs it can replace it",
}
# As packages say it in words of their own, or in a classifier.
WORDS = {
    "apache": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
}


def locked(lock: str) -> list[str]:
    return sorted(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, re.MULTILINE)))


def licences(expression: str | None, words: str | None = None, classifiers: Sequence[str] = ()) -> set[str]:
    """What a package says of its licence: the expression, or the words or the classifiers of older ones."""
    if expression:
        return {word for word in re.split(r"[\s()]+", expression) if word not in {"", "AND", "OR", "WITH"}}
    # A whole licence may stand in the field: its first line names it.
    lines = [line.strip() for line in (words or "").splitlines() if line.strip()]
    named = [each.rpartition(" :: ")[2] for each in classifiers if "License ::" in each]
    named = named or re.split(r" OR | AND ", lines[0] if lines else "")
    return {WORDS.get(word.lower(), word) for word in named if word}


def licences_of(name: str) -> set[str]:
    said: Any = metadata(name)
    return licences(said.get("License-Expression"), said.get("License"), said.get_all("Classifier") or [])


def unfit(names: list[str]) -> tuple[dict[str, set[str]], list[str]]:
    """Of the installed ones: what each says of its licence, and those whose licence is not allowed or not said."""
    found, findings = {}, []
    for name in names:
        try:
            found[name] = licences_of(name)
        except PackageNotFoundError:
            # Of another system or Python than this one: the lock is for all of them.
            continue
        if name not in EXCEPTIONS and (not found[name] or not found[name] <= ALLOWED):
            findings.append(f"{name}: {sorted(found[name]) or 'says nothing'}")
    return found, findings


def test_every_licence_is_known_and_fits(proof: Ledger) -> None:
    names = locked((ROOT / "requirements.lock").read_text())

    found, findings = unfit(names)

    assert not findings, "\n".join(findings)
    assert len(found) > 40
    counted = {licence: sum(licence in said for said in found.values()) for said in found.values() for licence in said}
    proof.shown("every licence of the lock is known and fits", packages=len(found), **dict(sorted(counted.items())))


def test_an_exception_is_needed() -> None:
    names = locked((ROOT / "requirements.lock").read_text())

    assert set(EXCEPTIONS) <= set(names)
    assert [name for name in EXCEPTIONS if licences_of(name) <= ALLOWED] == []


def test_it_sees_a_licence_that_does_not_fit(proof: Ledger) -> None:
    assert not licences("MIT AND AGPL-3.0-only") <= ALLOWED
    assert licences(None) == set()
    proof.seen("a package under the AGPL, and one that says nothing")
