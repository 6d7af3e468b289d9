"""Tokens that this installation did not make for this person, in this hospital, for this use: every kind we know of."""

import base64
import hmac
import json
import string
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from tests.cast import Hospital, Person

HS256 = {"alg": "HS256", "typ": "JWT"}
INVALID, EXPIRED, ENDED = "token-invalido", "token-expirado", "sessao-encerrada"
# What a server of another making would publish, and so a forger would sign with.
PUBLIC_KEY = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
    "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n"
    "-----END PUBLIC KEY-----\n"
)
NEEDED = ("sub", "sid", "tenantId", "exp", "iat", "typ", "iss")
Claims = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def part(value: Any) -> str:
    """JSON, as a part of a token; text is taken for JSON already."""
    return b64((value if isinstance(value, str) else json.dumps(value)).encode())


def forge(claims: Any, secret: str, header: Any = HS256, digest: str = "sha256") -> str:
    """Any header and claims, signed with HMAC by hand: the library refuses to make most of these."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def claims_of(token: str) -> Claims:
    claims: Claims = json.loads(unb64(token.split(".")[1]))
    return claims


@dataclass(frozen=True)
class Forger:
    """Who has a true token, knows somebody elsewhere, and, for what must fail even so, has the true secret."""

    token: str
    secret: str
    # A true token of the other kind for the same session, and the secret of that kind.
    other_token: str
    other_secret: str
    # Somebody in another hospital: their `sub`, `sid` and `tenantId`.
    stranger: Claims

    @property
    def claims(self) -> Claims:
        return claims_of(self.token)

    @property
    def parts(self) -> list[str]:
        return self.token.split(".")

    def turned(self) -> "Forger":
        """The same one, who attacks with refresh tokens what they attacked with access tokens."""
        return Forger(self.other_token, self.other_secret, self.token, self.secret, self.stranger)


async def forger(person: Person, hospital: Hospital, stranger: Person) -> Forger:
    """Whose true token is `person`'s, of `hospital`."""
    stage, claims, theirs = hospital.stage, claims_of(person.token), claims_of(stranger.token)
    refresh = stage.runtime.tokens.refresh(
        user_id=person.id, tenant_id=hospital.id, sessao_id=UUID(claims["sid"]), generation=0, at=stage.now
    )
    return Forger(
        person.token,
        stage.settings.jwt_secret,
        refresh,
        stage.settings.jwt_refresh_secret,
        {name: theirs[name] for name in ("sub", "sid", "tenantId")},
    )


@dataclass(frozen=True)
class Kind:
    """One kind of forged token, and the problem that it is answered with, always 401."""

    name: str
    make: Callable[[Forger], str]
    answer: str = INVALID
    # Whether it only makes sense in an access token.
    access_only: bool = False


def _unsigned() -> Iterator[Kind]:
    alg: Any
    for alg in ("none", "None", "NONE", "nOnE", "none ", " none", "", "null", None, False, 0, [], ["none"], {}):
        head = part({"alg": alg, "typ": "JWT"})
        yield Kind(f"alg {alg!r}, unsigned", partial(_with_head, head, ""))
        yield Kind(f"alg {alg!r}, old signature", partial(_with_head, head, None))
    for text in ("{}", '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","alg":"none"}', '{"Alg":"HS256"}', "null", "[]"):
        yield Kind(f"header {text}, unsigned", partial(_with_head, part(text), ""))


def _with_head(head: str, signature: str | None, forger: Forger) -> str:
    """Another header; the old signature, where none is given."""
    _, body, old = forger.parts
    return f"{head}.{body}.{old if signature is None else signature}"


def _other_algorithms() -> Iterator[Kind]:
    alg: Any
    for alg, digest in {"HS512": "sha512", "HS384": "sha384", "HS1": "sha1", "MD5": "md5"}.items():
        yield Kind(f"{alg} with the true secret", partial(_signed, header={"alg": alg}, digest=digest))
    for alg in ("RS256", "PS256", "ES256", "EdDSA", "hs256", "HS256 ", "HS256\0", ["HS256"]):
        yield Kind(f"{alg!r} that is HS256", partial(_signed, header={"alg": alg, "typ": "JWT"}))


def _signed(forger: Forger, *, header: Any = HS256, digest: str = "sha256", **claims: Any) -> str:
    """With the true secret."""
    return forge(forger.claims | claims, forger.secret, header, digest)


def _other_secrets() -> Iterator[Kind]:
    for secret in ("", "\0", "secret", "super-secret", "k" * 47, "null", PUBLIC_KEY, PUBLIC_KEY.strip()):
        yield Kind(f"signed with {secret[:12]!r} ({len(secret)})", partial(_signed_with, secret, {}))
    for alg in ("RS256", "ES256"):
        yield Kind(f"{alg}, HMAC of the public key", partial(_signed_with, PUBLIC_KEY, {"alg": alg}))


def _signed_with(secret: str, header: Claims, forger: Forger) -> str:
    return forge(forger.claims, secret, HS256 | header)


def _keys_brought_along() -> Iterator[Kind]:
    own = "k" * 32
    headers: dict[str, tuple[Claims, str]] = {
        "kid that leaves the folder": ({"kid": "../../../../dev/null"}, ""),
        "kid that is SQL": ({"kid": "x' union select 'kkk' --"}, "kkk"),
        "kid that is a command": ({"kid": "key|echo kkk"}, "kkk"),
        "kid that is an address": ({"kid": "http://127.0.0.1/key"}, own),
        "kid that is a list": ({"kid": ["a", {"b": 1}]}, own),
        "jku": ({"jku": "https://exemplo.com.br/jwks.json"}, own),
        "x5u": ({"x5u": "https://exemplo.com.br/cert.pem"}, own),
        "x5c": ({"x5c": [base64.b64encode(own.encode()).decode()]}, own),
        "jwk": ({"jwk": {"kty": "oct", "k": b64(own.encode()), "alg": "HS256"}}, own),
        "jwk, key empty": ({"jwk": {"kty": "oct", "k": ""}}, ""),
    }
    for name, (header, secret) in headers.items():
        yield Kind(name, partial(_signed_with, secret, header))


def _extensions() -> Iterator[Kind]:
    """Of what a header asks for that we do not do, though the secret is the true one."""
    headers: dict[str, Claims] = {
        "crit that is not known": {"crit": ["zoa"], "zoa": 1},
        "crit without its member": {"crit": ["zoa"]},
        "crit that is empty": {"crit": []},
        "crit that is text": {"crit": "exp"},
        "b64 without crit": {"b64": False},
        "b64 and its crit": {"b64": False, "crit": ["b64"]},
    }
    for name, header in headers.items():
        yield Kind(name, partial(_signed, header=HS256 | header))
    yield Kind("zip", lambda f: _of_bytes(f, zlib.compress(json.dumps(f.claims).encode()), HS256 | {"zip": "DEF"}))
    yield Kind("detached payload", lambda f: _detached(f, HS256))
    yield Kind("detached payload, b64", lambda f: _detached(f, HS256 | {"b64": False, "crit": ["b64"]}))
    yield Kind("five parts, as if encrypted", lambda f: f"{part({'alg': 'dir', 'enc': 'A128GCM'})}..{f.token}")
    yield Kind(
        "JSON serialization",
        lambda f: json.dumps(dict(zip(("protected", "payload", "signature"), f.parts, strict=True))),
    )


def _of_bytes(forger: Forger, payload: bytes, header: Claims = HS256) -> str:
    signed = f"{part(header)}.{b64(payload)}"
    return f"{signed}.{b64(hmac.new(forger.secret.encode(), signed.encode(), 'sha256').digest())}"


def _detached(forger: Forger, header: Claims) -> str:
    head, _, signature = _signed(forger, header=header).split(".")
    return f"{head}..{signature}"


def _claims() -> Iterator[Kind]:
    """Of what the true secret does not help either."""
    for claim in NEEDED:
        yield Kind(f"without {claim}", partial(_without, claim))
    nothings: list[Any] = [None, True, 1, 1.5, [], {}, ["x"], {"$ne": None}]
    for claim in NEEDED:
        # A whole number is what a time is; which numbers are good ones, is said below.
        for value in [v for v in nothings if claim not in {"exp", "iat"} or type(v) is not int]:
            yield Kind(f"{claim} {value!r}", partial(_signed, **{claim: value}))
    texts: dict[str, Iterable[Any]] = {
        "iss": ("", "outra", "zoapets ", "ZOAPETS"),
        "typ": ("", "refresh ", "ACCESS", "id"),
        "sub": ("", "admin", "0", "' or 1=1 --"),
        "sid": ("", "x", "*"),
        "tenantId": ("", "public", "aurora", "public; set role postgres", "tenant_x"),
        "exp": ("", "amanhã", "99999999999", 1e400, float("nan"), 4e9 + 0.5),
        "iat": ("", "ontem", "1", 1e400, 10**400, 99_999_999_999),
        "nbf": ("nunca", None, 99_999_999_999, [1]),
    }
    for claim, values in texts.items():
        for value in values:
            yield Kind(f"{claim} {str(value)[:20]!r} ({type(value).__name__})", partial(_signed, **{claim: value}))
    yield Kind("roles 'Administrador'", partial(_signed, roles="Administrador"), access_only=True)
    yield Kind("email None", partial(_signed, email=None), access_only=True)
    for nothing in ("[]", '"x"', "1", "null", "true", "", "{", '{"sub":'):
        yield Kind(f"claims {nothing!r}", partial(_of_text, nothing))
    for expired in (0, 1, -1, -(10**18), 1_700_000_000):
        yield Kind(f"exp {expired}", partial(_signed, exp=expired), EXPIRED)


def _of_text(claims: str, forger: Forger) -> str:
    return forge(claims, forger.secret)


def _of_payload(payload: bytes, forger: Forger) -> str:
    return _of_bytes(forger, payload)


def _verbatim(text: str, _: Forger) -> str:
    return text


def _without(claim: str, forger: Forger) -> str:
    claims = forger.claims
    del claims[claim]
    return forge(claims, forger.secret)


def _of_somebody_else() -> Iterator[Kind]:
    """The true secret opens no session but the one that is there, and the true signature none at all."""
    for claim in ("sub", "sid", "tenantId"):
        yield Kind(f"{claim} of nobody", partial(_claiming, {claim: str(uuid4())}, "true"), ENDED)
        yield Kind(f"{claim} of a stranger", partial(_as_stranger, claim, "true"), ENDED)
        yield Kind(f"{claim} of a stranger, old signature", partial(_as_stranger, claim, "old"))
        yield Kind(f"{claim} of a stranger, own key", partial(_as_stranger, claim, "own"))
        for order in (1, -1):
            for secret in ("true", "own"):
                made = partial(_twice, claim, order, secret)
                # The last of two counts, as for every reader of JSON; the other way round it is the true token.
                if secret == "own" or order == 1:
                    yield Kind(f"{claim} twice, {order}, {secret} key", made, ENDED if secret == "true" else INVALID)
    yield Kind("more roles, old signature", lambda f: _rewritten(f, {"roles": ["Administrador"]}))
    yield Kind("later end, old signature", lambda f: _rewritten(f, {"exp": f.claims["exp"] + 1}))
    yield Kind("the other kind", lambda f: f.other_token)
    yield Kind("the other kind's claims", lambda f: forge(claims_of(f.other_token), f.secret))
    yield Kind("the other kind's secret", lambda f: forge(f.claims, f.other_secret))
    yield Kind("the other kind's signature", lambda f: ".".join([*f.parts[:2], f.other_token.split(".")[2]]))


def _claiming(claims: Claims, signature: str, forger: Forger) -> str:
    """The old signature, or one made with the true secret or with one of their own."""
    if signature == "old":
        return _rewritten(forger, claims)
    return forge(forger.claims | claims, forger.secret if signature == "true" else "k" * 32)


def _as_stranger(claim: str, signature: str, forger: Forger) -> str:
    return _claiming({claim: forger.stranger[claim]}, signature, forger)


def _rewritten(forger: Forger, claims: Claims) -> str:
    head, _, signature = forger.parts
    return f"{head}.{part(forger.claims | claims)}.{signature}"


def _twice(claim: str, order: int, secret: str, forger: Forger) -> str:
    both = [forger.claims[claim], forger.stranger[claim]][::order]
    text = json.dumps(forger.claims)[:-1].replace(json.dumps(forger.claims[claim]), json.dumps(both[0]), 1)
    return forge(f"{text}, {json.dumps(claim)}: {json.dumps(both[1])}}}", forger.secret if secret == "true" else "k")


def _spellings() -> Iterator[Kind]:
    """The true token, in other letters."""
    for place in range(3):
        yield Kind(f"part {place}, one letter changed", partial(_changed, place, _next_letter))
        yield Kind(f"part {place}, truncated", partial(_changed, place, lambda text: text[:-4]))
        yield Kind(f"part {place}, empty", partial(_changed, place, lambda _: ""))
        yield Kind(f"part {place}, twice", partial(_changed, place, lambda text: text * 2))
        for name, junk in {
            "=": "=", "==": "==", "====": "====", "A=": "A=", "space": " ", "tab": "\t", "!": "!", "*": "*",
            "quote": '"', "NUL": "\0", "é": "é", "zero width": "\u200b", "BOM": "\ufeff", "full width": "\uff21",
            "surrogate in UTF-8": "\U0001f436", "%3D": "%3D", "backslash": "\\u0041",
        }.items():  # fmt: skip
            yield Kind(f"part {place}, {name} at the end", partial(_changed, place, partial(_with_junk, junk, None)))
            yield Kind(f"part {place}, {name} inside", partial(_changed, place, partial(_with_junk, junk, 20)))
    yield Kind("the last letter's unused bits", partial(_changed, 2, _same_bits))
    yield Kind("the other alphabet", partial(_changed, 2, lambda text: "+/" + text[2:]))
    for name, change in {
        "no signature": lambda f: ".".join(f.parts[:2]),
        "no signature, dot": lambda f: ".".join(f.parts[:2]) + ".",
        "header alone": lambda f: f.parts[0],
        "parts reversed": lambda f: ".".join(reversed(f.parts)),
        "a fourth part": lambda f: f"{f.token}.{f.parts[2]}",
        "a dot before": lambda f: f".{f.token}",
        "a dot after": lambda f: f"{f.token}.",
        "a space before": lambda f: f" {f.token}",
        "twice, by a comma": lambda f: f"{f.token},{f.token}",
        "twice, by a space": lambda f: f"{f.token} {f.token}",
        "in quotes": lambda f: f'"{f.token}"',
        "Bearer again": lambda f: f"Bearer {f.token}",
        "upper case": lambda f: f.token.upper(),
        "other dots": lambda f: f.token.replace(".", "\uff0e"),
        "%2E": lambda f: f.token.replace(".", "%2E"),
        "encoded once more": lambda f: b64(f.token.encode()),
    }.items():
        yield Kind(name, change)


def _changed(place: int, change: Callable[[str], str], forger: Forger) -> str:
    parts = forger.parts
    parts[place] = change(parts[place])
    return ".".join(parts)


def _with_junk(junk: str, at: int | None, text: str) -> str:
    """At the end, or inside."""
    return text + junk if at is None else text[:at] + junk + text[at:]


def _next_letter(text: str) -> str:
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


def _same_bits(text: str) -> str:
    """Another last letter that a careless reader takes for the same bytes."""
    others = (text[:-1] + letter for letter in string.ascii_letters + string.digits if letter != text[-1])
    return next(other for other in others if unb64(other) == unb64(text))


def _bombs() -> Iterator[Kind]:
    """What is read before the signature is looked at must be read in little time, and never end in a crash."""
    deep = 100_000
    for name, text in {
        "lists": "[" * deep + "]" * deep,
        "objects": '{"a":' * deep + "1" + "}" * deep,
        "lists without an end": "[" * deep,
        "keys": json.dumps({str(n): n for n in range(20_000)}),
        "a number": f'{{"alg":"HS256","n":{"9" * 5000}}}',
        "a long text": f'{{"alg":"HS256","n":"{"x" * 200_000}"}}',
        "a lone surrogate": '{"alg":"HS256","n":"\\ud800"}',
    }.items():
        yield Kind(f"a header of {name}", partial(_with_head, part(text), None))
        yield Kind(f"claims of {name}", partial(_of_text, text))
    for name, payload in {
        "UTF-16": '{"sub":"x"}'.encode("utf-16"),
        "no UTF-8": b"\xff\xfe{",
        "NULs": b"\0" * 64,
    }.items():
        yield Kind(f"claims in {name}", partial(_of_payload, payload))
    yield Kind("a megabyte", lambda _: "A" * 1_000_000)
    yield Kind("a megabyte of dots", lambda _: "." * 1_000_000)
    yield Kind("a megabyte after the true one", lambda f: f.token + "A" * 1_000_000)


def _nothings() -> Iterator[Kind]:
    for text in (
        "null", "undefined", "None", "true", "0", ".", "..", "...", "a.b.c", "a.b.c.d.e", "{}", "[]", "é.é.é", "%00",
        "${jndi:ldap://127.0.0.1/a}", "<script>", "../../etc/passwd", "' or '1'='1",
    ):  # fmt: skip
        yield Kind(f"{text!r}", partial(_verbatim, text))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for family in (
        _unsigned, _other_algorithms, _other_secrets, _keys_brought_along, _extensions, _claims, _of_somebody_else,
        _spellings, _bombs, _nothings,
    )
    for kind in family()
}  # fmt: skip
