"""In the repository: no secret but those that are published on purpose."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.cast import PASSWORD_HASH
from tests.house.source import ROOT
from tests.proofs.ledger import Ledger
from tests.proofs.supply.secrets import ASSIGNED, KEYS, found

# What looks like a secret and is none, each with its reason.
KNOWN = {
    "eyJhbGciOiJIUzI1NiJ9.acesso.assinatura": "an example in the API's document: its signature is a word",
    "eyJhbGciOiJIUzI1NiJ9.renovacao.assinatura": "as above",
    "zoapets123": "the demo's password, printed for everybody to use",
    "troca-de-senha": "a word of the database: why a session ended",
    "change-me": "a blank to fill in, on the list of published passwords",
    "change-me-change-me-change-me-change-me": "a blank to fill in, which `serve` refuses",
    "change-me-too-change-me-too-change-me-too": "as above",
    "postgresql://zoapets_app:change-me@localhost:5432/zoapets": "the form of an address, with a blank to fill in",
    "postgresql://postgres:change-me@localhost:5432/zoapets": "as above",
    PASSWORD_HASH: "made for the tests' people, of the demo's password",
}
# Addresses of no server: how they are read, and that their passwords are not shown, is what these files test.
NO_SERVERS = ("tests/core/test_config.py", "tests/cli/test_migrate.py")
# Under these, what is assigned to a word such as `password` belongs to people that a test has made up.
MADE_UP = ("tests/",)


def tracked() -> list[Path]:
    """The files of the repository; without git, those of the package."""
    if not (ROOT / ".git").exists():
        return [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*") if path.is_file()]
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - of ours
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def scanned(files: Iterable[Path], root: Path) -> list[str]:
    """Every secret in these files that is not known."""
    findings = []
    for path in files:
        name = path.relative_to(root).as_posix()
        keys = {kind: shape for kind, shape in KEYS.items() if name not in NO_SERVERS or "address" not in kind}
        kinds = [keys] if name.startswith(MADE_UP) else [keys, ASSIGNED]
        text = path.read_bytes().decode("utf-8", "replace")
        findings += [f"{name}: {kind}: {secret[:60]}" for kind, secret in found(text, *kinds) if secret not in KNOWN]
    return findings


def test_the_repository_holds_no_secret(proof: Ledger) -> None:
    files = tracked()

    findings = scanned(files, ROOT)

    assert not findings, "\n".join(findings)
    assert len(files) > 200
    proof.shown("no secret in the repository", files=len(files))


def test_what_is_known_is_still_there() -> None:
    everything = "\n".join(path.read_bytes().decode("utf-8", "replace") for path in tracked() if path != Path(__file__))

    assert [secret for secret in KNOWN if secret not in everything] == []


def test_it_sees_a_secret_that_was_planted(tmp_path: Path, proof: Ledger) -> None:
    # Put together here, or this file would be the first finding.
    planted = {
        "key.pem": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
        "token.json": '{"a": "eyJhbGciOiJIUzI1NiJ9.' + 'eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}',
        "cloud.py": 'KEY = "AKIA' + 'ABCDEFGHIJKLMNOP"',
        "forge.yml": "token: ghp_" + "a" * 36,
        "settings.py": 'URL = "postgresql://zoapets:' + 'segredo@db.example/zoapets"',
        "users.csv": "1,Ana,$argon2id" + "$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaA",
        "login.py": 'senha = "' + 'correta-cavalo"',
        ".env": "JWT_SECRET=" + "abcdefghijklmnop",
    }
    for name, text in planted.items():
        (tmp_path / name).write_text(text)

    findings = scanned(sorted(tmp_path.iterdir()), tmp_path)

    assert {finding.partition(":")[0] for finding in findings} == set(planted)
    proof.seen("secrets of eight kinds planted in files", kinds=len(planted))
