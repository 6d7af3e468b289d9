"""How secrets and people's data look, and where they stand in a text."""

import re
from collections.abc import Iterable, Iterator

# What opens something, wherever it stands.
KEYS: dict[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a JWT": re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}"),
    "a cloud key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b"),
    "a service's token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|xox[baprs]-[A-Za-z0-9-]{10,}|sk_live_\w{10,})"),
    "a password in an address": re.compile(r"[a-z][a-z0-9+.]*://[^/\s:@'\"`{}<]+:[^/\s@'\"`{}<]+@[^\s'\"`]+"),
    "a password's hash": re.compile(r"\$argon2id?\$v=\d+\$[^\s'\"]{20,}|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}"),
}
# A word that is given a value, as in code, JSON and .env files.
ASSIGNED = {
    "a password": re.compile(
        r"(?i)(?:password|passwd|senha|secret|token|api_?key)[\"']?\s*[:=]\s*[\"']([^\"'{}$\s]{6,})[\"']"
        r"|^[A-Z_]*(?:PASSWORD|SECRET|TOKEN)=([^\s#$]{4,})",
        re.MULTILINE,
    )
}
PEOPLE: dict[str, re.Pattern[str]] = {
    "an e-mail": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"),
    "a CPF": re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"),
    "a telephone": re.compile(r"\+55\d{10,11}\b"),
}
BYTES = re.compile(r"\\\\x((?:[0-9a-f]{2})+)")


def found(text: str, *kinds: dict[str, re.Pattern[str]], words: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """What of these kinds stands in `text`, and which of these very words."""
    for kind in kinds:
        for name, pattern in kind.items():
            for match in pattern.finditer(text):
                yield name, next((group for group in match.groups() if group), match[0])
    for word in words:
        if word in text:
            yield "a word that was sent", word


def opened(dump: str) -> str:
    """A dump of the database with the bytes in it as the text that they are."""
    return BYTES.sub(lambda match: bytes.fromhex(match[1]).decode("utf-8", "replace"), dump)
