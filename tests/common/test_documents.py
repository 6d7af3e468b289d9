"""What a hospital may write as CPF, CNPJ, telephone, microchip, CEP, UF, e-mail and CRMV."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoapets.common import documents

Rule = Callable[[str], str]

RULES: tuple[Rule, ...] = (
    documents.cpf,
    documents.cnpj,
    documents.cpf_or_cnpj,
    documents.phone,
    documents.microchip,
    documents.cep,
    documents.uf,
    documents.email,
    documents.crmv,
)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)

SEPARATORS = " .-/()+"
# phonenumbers loads a country's rules the first time it meets it, and the machine may be busy.
at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def refused(rule: Rule, text: str) -> bool:
    try:
        rule(text)
    except ValueError:
        return True
    return False


def stands(rule: Rule, text: str) -> bool:
    """Whether the text is refused with a message for people, or has a normal form that stays as it is."""
    try:
        normal = rule(text)
    except ValueError as error:
        return type(error) is ValueError and str(error).endswith(".")
    return rule(normal) == normal


@st.composite
def near_misses(draw: st.DrawFn) -> str:
    """Texts close enough to the real forms to get past the first checks."""
    body: str = draw(
        st.one_of(
            st.text("0123456789", min_size=1, max_size=17),
            st.text("0123456789ABCDEFabcdef", min_size=8, max_size=15),
            st.sampled_from(("52998224725", "12ABC34501DE35", "076000000000001", "+5511987654321", "SP")),
            st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
            st.from_regex(r"\+?55[1-9][1-9]9?[2-9][0-9]{7}", fullmatch=True),
            st.emails(),
        )
    )
    gaps = draw(st.lists(st.tuples(st.integers(0, len(body)), st.sampled_from(SEPARATORS)), max_size=4))
    for place, separator in gaps:
        body = body[:place] + separator + body[place:]
    return body


@every_rule
@at_any_speed
@given(text=st.text())
def test_any_text_is_refused_or_has_a_normal_form_that_stays(rule: Rule, text: str) -> None:
    assert stands(rule, text)


@every_rule
@at_any_speed
@given(text=near_misses())
def test_a_text_close_to_the_real_one_is_refused_or_has_a_normal_form_that_stays(rule: Rule, text: str) -> None:
    assert stands(rule, text)


@every_rule
@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800", "-", "+", "@", ".", "٠١٢٣٤٥٦٧٨٩", "²²²²²²²²", "ß", "ﬀ"])
def test_a_text_that_holds_nothing_is_refused(rule: Rule, text: str) -> None:
    assert refused(rule, text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (documents.cpf, "52998224725"),
        (documents.cnpj, "11222333000181"),
        (documents.phone, "11987654321"),
        (documents.microchip, "076000000000001"),
        (documents.cep, "01310100"),
        (documents.uf, "SP"),
        (documents.email, "ana@zoa.com.br"),
        (documents.crmv, "12345"),
    ],
)
def test_only_plain_ascii_of_a_sane_length_is_read(rule: Rule, text: str) -> None:
    assert not refused(rule, f" {text} ")
    assert refused(rule, f"{text}\0")
    assert refused(rule, f"{text}\n")
    assert refused(rule, f"\u00a0{text}")
    assert refused(rule, text.translate({ord("1"): "١", ord("0"): "０", ord("S"): "Ｓ", ord("a"): "а"}) + "\u200b")
    assert refused(rule, text + " " * 254)


@pytest.mark.parametrize("text", ["529.982.247-25", "52998224725", " 529982247-25 "])
def test_a_cpf_is_kept_as_its_digits(text: str) -> None:
    assert documents.cpf(text) == "52998224725"


def test_a_cpf_keeps_its_leading_zeros() -> None:
    assert documents.cpf("012.345.678-90") == "01234567890"


@pytest.mark.parametrize("text", ["529.982.247-26", "529.982.247-15", "5299822472", "529982247250", "529982247=25"])
def test_a_wrong_cpf_is_refused_in_portuguese(text: str) -> None:
    with pytest.raises(ValueError, match=r"^CPF inválido\.$"):
        documents.cpf(text)


@pytest.mark.parametrize("digit", "0123456789")
def test_one_digit_repeated_is_no_cpf(digit: str) -> None:
    assert refused(documents.cpf, digit * 11)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("11.222.333/0001-81", "11222333000181"),
        ("00.000.000/0001-91", "00000000000191"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("12abc34501de35", "12ABC34501DE35"),
    ],
)
def test_a_cnpj_may_hold_letters_and_is_kept_in_upper_case(text: str, kept: str) -> None:
    assert documents.cnpj(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "11.222.333/0001-82",  # check digit
        "12ABC34501DE36",
        "12ABC34501DEA5",  # the check digits are digits
        "00000000000000",
        "1122233300018",
        "112223330001811",
        "12ABÇ34501DE35",
    ],
)
def test_a_wrong_cnpj_is_refused_in_portuguese(text: str) -> None:
    with pytest.raises(ValueError, match=r"^CNPJ inválido\.$"):
        documents.cnpj(text)


def test_the_length_tells_a_cpf_from_a_cnpj() -> None:
    assert documents.cpf_or_cnpj("529.982.247-25") == "52998224725"
    assert documents.cpf_or_cnpj("12.abc.345/01de-35") == "12ABC34501DE35"
    with pytest.raises(ValueError, match=r"^CPF inválido\.$"):
        documents.cpf_or_cnpj("529.982.247-26")
    with pytest.raises(ValueError, match=r"^CNPJ inválido\.$"):
        documents.cpf_or_cnpj("11.222.333/0001-82")
    with pytest.raises(ValueError, match=r"^CPF ou CNPJ inválido\.$"):
        documents.cpf_or_cnpj("123")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("(11) 98765-4321", "+5511987654321"),
        ("011 98765 4321", "+5511987654321"),
        ("0 15 11 98765-4321", "+5511987654321"),
        ("5511987654321", "+5511987654321"),
        ("(+55) 11 98765-4321", "+5511987654321"),
        ("(55) 98765-4321", "+5555987654321"),  # DDD 55 is not the country code
        ("11 3456-7890", "+551134567890"),
        ("+351 912 345 678", "+351912345678"),
        ("+1 202-555-0123", "+12025550123"),
        ("+54 9 11 2345-6789", "+5491123456789"),
    ],
)
def test_a_telephone_is_kept_in_e164(text: str, kept: str) -> None:
    assert documents.phone(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "98765-4321",  # no DDD
        "(10) 98765-4321",  # no such DDD
        "(11) 8765-4321",  # a mobile of before the ninth digit
        "(11) 7765-4321",
        "(11) 88765-4321",
        "(11) 1234-5678",
        "0800 123 4567",
        "4004-1234",
        "190",
        "351 912 345 678",  # foreign without its +
        "00 21 351 912 345 678",
        "+351 12",
        "11 98765-4321 ramal 5",
        "11 98765-4321;ext=5",
        "11 98765-4321 / 3456-7890",
        "tel:+5511987654321",
        "++5511987654321",
    ],
)
def test_what_cannot_be_dialled_as_a_persons_telephone_is_refused(text: str) -> None:
    assert refused(documents.phone, text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("076 000000000001", "076000000000001"),
        ("985.141.001.234.567", "985141001234567"),
        ("900274877906943", "900274877906943"),
        ("998000000000000", "998000000000000"),
        ("001000000000000", "001000000000000"),
        ("012345678", "012345678"),
        ("7f7d1a2b3c", "7F7D1A2B3C"),
    ],
)
def test_a_microchip_follows_iso_11784_or_is_an_old_one(text: str, kept: str) -> None:
    assert documents.microchip(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "999000000000001",  # test chips
        "000000000000001",
        "076274877906944",  # more than 38 bits
        "07600000000001",
        "0760000000000001",
        "A76000000000001",
        "12345678",
        "nao possui",
        "DESCONHECI",
    ],
)
def test_a_microchip_that_cannot_exist_is_refused(text: str) -> None:
    assert refused(documents.microchip, text)


def test_a_cep_keeps_its_leading_zero() -> None:
    assert documents.cep("01310-100") == documents.cep("01.310-100") == "01310100"
    assert refused(documents.cep, "1310-100")
    assert refused(documents.cep, "013101000")


def test_there_are_27_ufs() -> None:
    assert len(documents.UFS) == 27
    assert documents.uf(" sp ") == "SP"
    assert refused(documents.uf, "XX")
    assert refused(documents.uf, "São Paulo")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ana.Souza+Plantao@Zoa.COM.BR", "ana.souza+plantao@zoa.com.br"),
        (" ana@zoa.vet ", "ana@zoa.vet"),
        ("o'neil@xn--zo-jia.xn--p1ai", "o'neil@xn--zo-jia.xn--p1ai"),
        ("a@" + "b" * 63 + ".com", "a@" + "b" * 63 + ".com"),
    ],
)
def test_an_email_is_kept_in_lower_case(text: str, kept: str) -> None:
    assert documents.email(text) == kept


def test_an_email_has_at_most_254_characters() -> None:
    label = "b" * 61
    longest = f"{'a' * 64}@{label}.{label}.{label}.cc"
    assert len(longest) == 253
    assert documents.email(f"{longest}c") == f"{longest}c"
    assert refused(documents.email, f"{longest}cc")
    assert refused(documents.email, f"{'a' * 65}@zoa.com")


@pytest.mark.parametrize(
    "text",
    [
        "ana",
        "ana@",
        "@zoa.com",
        "ana@zoa",
        "ana@zoa.",
        "ana@.com",
        "ana@zoa..com",
        "ana@-zoa.com",
        "ana@zoa-.com",
        "ana@" + "b" * 64 + ".com",
        "ana@zoa@com.br",
        "ana souza@zoa.com",
        "ana@zoa .com",
        "ana\t@zoa.com",
        ".ana@zoa.com",
        "ana.@zoa.com",
        "ana..s@zoa.com",
        '"ana"@zoa.com',
        "ana@127.0.0.1",
        "ana@[127.0.0.1]",
        "Ana <ana@zoa.com>",
        "ana@zoa.com,bia@zoa.com",
        "aná@zoa.com",
    ],
)
def test_what_is_no_email_is_refused(text: str) -> None:
    assert refused(documents.email, text)


@pytest.mark.parametrize(("text", "kept"), [("12345", "12345"), ("12.345", "12345"), ("000123", "123")])
def test_a_crmv_number_has_no_leading_zeros(text: str, kept: str) -> None:
    assert documents.crmv(text) == kept


@pytest.mark.parametrize("text", ["0", "000000", "1234567", "SP 12345", "12345-VP", "-1"])
def test_what_is_no_crmv_number_is_refused(text: str) -> None:
    assert refused(documents.crmv, text)
