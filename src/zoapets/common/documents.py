"""The normal forms of what people write on a form: CPF, CNPJ, telephone, microchip, CEP, UF, e-mail, CRMV.

Each function takes the text as typed and returns the one form that is stored; a form it returned comes back
unchanged. Anything else is a ValueError whose message is for the person who typed it. ASCII only, at most
64 characters (an e-mail, 254).
"""

import re
from typing import Final

import phonenumbers
from stdnum.br import cnpj as cnpj_rule
from stdnum.br import cpf as cpf_rule

_UFS = "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO"
UFS: Final = frozenset(_UFS.split())

_LENGTH: Final = 64
_EMAIL_LENGTH: Final = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets, less its angle brackets
_CPF_LENGTH: Final = 11
_CNPJ_LENGTH: Final = 14
_CHIP_OLD_LENGTHS: Final = (9, 10)
_CHIP_NATIONAL_MAX: Final = 2**38 - 1
_CHIP_TEST_CODE: Final = 999

_CPF: Final = re.compile(r"[0-9]{11}")
_CNPJ: Final = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_CEP: Final = re.compile(r"[0-9]{8}")
_CRMV: Final = re.compile(r"[0-9]{1,6}")
_CHIP: Final = re.compile(r"[0-9]{15}")
_PHONE: Final = re.compile(r"[(]?\+?[0-9() ./-]+")
_PHONE_BRAZIL: Final = re.compile(r"\+55[1-9]{2}(?:9[0-9]{8}|[2-5][0-9]{7})")
_EMAIL_LOCAL: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_EMAIL_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def cpf(text: str) -> str:
    """Return the 11 digits of a CPF; both check digits must hold and one digit repeated is refused."""
    digits = _bare(text, ".-", problem="CPF inválido.")
    # stdnum checks the digits alone, and 111.111.111-11 passes that.
    if not _CPF.fullmatch(digits) or len(set(digits)) == 1 or not cpf_rule.is_valid(digits):
        raise ValueError("CPF inválido.")
    return digits


def cnpj(text: str) -> str:
    """Return the 14 characters of a CNPJ in upper case; letters as IN RFB 2.229/2024 allows them."""
    code = _bare(text, "./-", problem="CNPJ inválido.").upper()
    if not _CNPJ.fullmatch(code) or not cnpj_rule.is_valid(code):
        raise ValueError("CNPJ inválido.")
    return code


def cpf_or_cnpj(text: str) -> str:
    """Return a CPF or a CNPJ in its normal form, told apart by their length."""
    code = _bare(text, "./-", problem="CPF ou CNPJ inválido.")
    if len(code) == _CPF_LENGTH:
        return cpf(code)
    if len(code) == _CNPJ_LENGTH:
        return cnpj(code)
    raise ValueError("CPF ou CNPJ inválido.")


def phone(text: str) -> str:
    """Return a telephone in E.164; without a + it is Brazilian, and needs its DDD.

    In Brazil a mobile has nine digits and begins with 9, a fixed line has eight and begins with 2 to 5;
    0800, 4004 and other service numbers are refused.
    """
    problem = "Telefone inválido: informe o DDD e o número, ou + e o código do país."
    written = _plain(text, problem=problem)
    # phonenumbers also reads letters, extensions and RFC 3966 parameters; none of them would be kept.
    if not _PHONE.fullmatch(written):
        raise ValueError(problem)
    try:
        number = phonenumbers.parse(written, "BR")
    except phonenumbers.NumberParseException as error:
        raise ValueError(problem) from error
    code = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_brazilian = number.country_code == phonenumbers.country_code_for_region("BR")
    # A number dialled with 00 and a carrier parses as foreign: only a + says that it was meant so.
    if not phonenumbers.is_valid_number(number) or not (is_brazilian or "+" in written):
        raise ValueError(problem)
    if is_brazilian and not _PHONE_BRAZIL.fullmatch(code):
        raise ValueError(problem)
    return code


def microchip(text: str) -> str:
    """Return a transponder's code: 15 digits of ISO 11784, or an older chip's 9 or 10 characters in upper case.

    The first three digits are a country (001 to 899; Brazil is 076) or a manufacturer (900 to 998); 999 marks
    test chips. The other twelve hold 38 bits. There is no check digit. An older code must hold a digit, or
    "não possui" without its accent would be one.
    """
    code = _bare(text, ".-", problem="Microchip inválido.").upper()
    if len(code) in _CHIP_OLD_LENGTHS and code.isalnum() and not code.isalpha():
        return code
    if not _CHIP.fullmatch(code):
        raise ValueError("Microchip inválido: são 15 dígitos (ou 9 a 10 caracteres nos antigos).")
    owner, national = int(code[:3]), int(code[3:])
    if not 0 < owner < _CHIP_TEST_CODE or national > _CHIP_NATIONAL_MAX:
        raise ValueError("Microchip inválido: o código não existe na norma ISO 11784.")
    return code


def cep(text: str) -> str:
    """Return the 8 digits of a CEP, leading zeros kept."""
    digits = _bare(text, ".-", problem="CEP inválido.")
    if not _CEP.fullmatch(digits):
        raise ValueError("CEP inválido: são 8 dígitos.")
    return digits


def uf(text: str) -> str:
    """Return the two letters of one of the 26 states or the Distrito Federal, in upper case."""
    code = _plain(text, problem="UF inválida.").upper()
    if code not in UFS:
        raise ValueError("UF inválida.")
    return code


def email(text: str) -> str:
    """Return an e-mail address in lower case, both sides of the @: it is also a login name.

    A dot-atom of ASCII (RFC 5321), a domain of two labels or more whose last is not a number. Quoted local
    parts, address literals and non-ASCII addresses are refused.
    """
    problem = "E-mail inválido."
    local, at, domain = _plain(text, limit=_EMAIL_LENGTH, problem=problem).lower().rpartition("@")
    labels = domain.split(".")
    if (
        not at
        or not _EMAIL_LOCAL.fullmatch(local)
        or "" in local.split(".")
        or len(labels) == 1
        or not all(_EMAIL_LABEL.fullmatch(label) for label in labels)
        or labels[-1].isdigit()
    ):
        raise ValueError(problem)
    return f"{local}@{domain}"


def crmv(text: str) -> str:
    """Return the number of a registration with a CRMV: 1 to 6 digits, without leading zeros; never zero."""
    digits = _bare(text, ".", problem="CRMV inválido.")
    number = digits.lstrip("0")
    if not _CRMV.fullmatch(digits) or not number:
        raise ValueError("CRMV inválido: informe só o número, de 1 a 6 dígitos.")
    return number


def _plain(text: str, *, problem: str, limit: int = _LENGTH) -> str:
    """Return the text without outer spaces; refuse what is too long, not ASCII, or a control character."""
    # Before any other step: str.isdigit, str.upper and \d know more digits and letters than ASCII does.
    if len(text) > limit or not text.isascii() or not text.isprintable():
        raise ValueError(problem)
    return text.strip(" ")


def _bare(text: str, separators: str, *, problem: str) -> str:
    return _plain(text, problem=problem).translate({ord(char): None for char in f" {separators}"})
