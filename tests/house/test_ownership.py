"""Anyone reads a table; only its owner writes it. A lint of our own, over the statements that the source builds."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import modules
from zoapets.entities import Entity, SharedEntity

# Entity -> the one folder (or module of core) whose statements may write it.
OWNERS = {
    "Administracao": {"modules/administracoes"},
    "Ala": {"modules/leitos"},
    # Written by triggers alone.
    "Auditoria": set(),
    # By the database's own function, and by the owner's SQL.
    "AuditoriaSelo": set(),
    "Configuracao": {"modules/configuracoes"},
    # Kept by a trigger on each hospital's `users`.
    "EmailDirectory": set(),
    "Evento": {"core/events.py"},
    # By the owner's SQL alone, so far.
    "FeatureFlag": set(),
    "Idempotencia": {"core/idempotency.py"},
    "Internacao": {"modules/internacoes"},
    "Leito": {"modules/leitos"},
    "LoginAttempt": {"core/auth"},
    "Medicamento": {"modules/medicamentos"},
    "MedicamentoFaixa": {"modules/medicamentos"},
    "Ocupacao": {"modules/internacoes"},
    "Pet": {"modules/pets"},
    "PetAlergia": {"modules/pets"},
    "PetPeso": {"modules/pets"},
    # By the migrations alone.
    "Plan": set(),
    "Prescricao": {"modules/prescricoes"},
    "PrescricaoItem": {"modules/prescricoes"},
    "Role": {"modules/roles"},
    # A room may call core, and core no room: signing in opens and ends sessions, putting somebody out ends theirs.
    "Sessao": {"core/auth", "modules/users"},
    "Subscription": set(),
    "Tenant": {"core/registry.py"},
    "Tutor": {"modules/tutores"},
    "Unidade": {"modules/leitos"},
    # People belong to their room; a password is changed, and its hash upgraded, where one signs in.
    "User": {"core/auth", "modules/users"},
    "UserRole": {"modules/users"},
}
# What writes whatever it is given; what it is given stands in a room (`entity = ...`).
GENERIC = {"core/crud.py"}
# The database owner's side is written in SQL: migrations, and the commands that make hospitals and administrators; and
# the demo, which makes up a past that no verb would let anyone write.
SQL = ("core/owner/", "demo/")
RAW_WRITE = re.compile(
    r"\b(insert\s+into|update\s+[\w.\"]+\s+set|delete\s+from|merge\s+into|truncate\s+\w+)\b", re.IGNORECASE
)


def writes(module: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and entity of all that a module writes; `?` for what cannot be told, `SQL` for SQL as text."""
    verbs, entities = _imported(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=called, args=[target, *_]) if _name(called) in verbs:
                name = _name(target)
                if name in entities:
                    yield node.lineno, entities[name]
                elif module not in GENERIC:
                    yield node.lineno, "?"
            case ast.ClassDef():
                for line, name in _kept(node):
                    yield line, entities.get(name, "?")
            case ast.Constant(value=str(text)) if not module.startswith(SQL) and RAW_WRITE.search(text):
                yield node.lineno, "SQL"


def _imported(tree: ast.Module) -> tuple[set[str], dict[str, str]]:
    """What `insert`, `update` and `delete` of SQLAlchemy, and the entities, are called in a module."""
    verbs: set[str] = set()
    entities: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom | ast.Import):
            continue
        source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            here = alias.asname or alias.name
            if isinstance(node, ast.Import) and alias.name.startswith("sqlalchemy"):
                verbs |= {f"{here}.{verb}" for verb in ("insert", "update", "delete")}
            elif source.startswith("sqlalchemy") and alias.name in {"insert", "update", "delete"}:
                verbs.add(here)
            elif source.startswith("sqlalchemy.dialects") and alias.name == "postgresql":
                verbs.add(f"{here}.insert")
            elif source == "zoapets.entities":
                entities |= {f"{here}.{name}": name for name in OWNERS}
            elif source.startswith("zoapets.entities."):
                entities[here] = alias.name
    return verbs, entities


def _kept(room: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """What a subclass of Crud keeps."""
    if not any(_name(base.value if isinstance(base, ast.Subscript) else base) == "Crud" for base in room.bases):
        return
    for node in room.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(_name(target) == "entity" for target in targets) and isinstance(node, ast.Assign | ast.AnnAssign):
            yield node.lineno, _name(node.value)


def _name(node: ast.expr | None) -> str:
    """A name or a dotted one; without `.__table__`, which is the same table."""
    if isinstance(node, ast.Attribute):
        return _name(node.value) if node.attr == "__table__" else f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def trespasses(module: str, tree: ast.Module) -> list[str]:
    return [
        f"{module}:{line} writes {entity}"
        for line, entity in writes(module, tree)
        if not any(module == owner or module.startswith(f"{owner}/") for owner in OWNERS.get(entity, ()))
    ]


def test_every_table_has_an_owner() -> None:
    mapped = [mapper.class_.__name__ for base in (Entity, SharedEntity) for mapper in base.registry.mappers]

    assert sorted(mapped) == sorted(OWNERS)


def test_only_the_owner_writes_a_table() -> None:
    found = [
        line for module, tree in modules() if not module.startswith("migrations/") for line in trespasses(module, tree)
    ]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import update\nfrom zoapets.entities.pets import Pet\nX = update(Pet)",
        "from sqlalchemy import update\nfrom zoapets.entities.pets import Pet as Animal\nX = update(Animal.__table__)",
        "from sqlalchemy.dialects.postgresql import insert as put\nfrom zoapets.entities.pets import Pet\nX = put(Pet)",
        "from sqlalchemy.dialects import postgresql\nfrom zoapets.entities import pets\npostgresql.insert(pets.Pet)",
        "import sqlalchemy as sa\nfrom zoapets.entities.pets import Pet\nX = sa.delete(Pet)",
        "from sqlalchemy import delete\ndef f(kind): return delete(kind)",
        "from zoapets.entities.pets import Pet\nclass S(Crud[Pet, PetRead]):\n    entity = Pet",
        "from sqlalchemy import text\nX = text('insert into pets select 1')",
        "X = f'update {table} set nome = 1'\nY = 'update pets set nome = 1'",
    ],
)
def test_a_write_to_anothers_table_is_found(source: str) -> None:
    assert len(trespasses("modules/tutores/queries.py", ast.parse(source))) == 1
