"""`zoapets users`: the first people of a hospital, and those who are locked out."""

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from zoapets.cli.output import Json, emit, say
from zoapets.cli.owner import Password, choose_password, hashed, owner, show_once
from zoapets.common.clock import Clock
from zoapets.core.owner.hospitals import find
from zoapets.core.owner.people import PersonRow, create_user, reset_password

FromStdin = Annotated[bool, Parameter(negative="")]

app = App(name="users", help="Make people, and give them new passwords. Needs DATABASE_OWNER_URL.")


class Told(msgspec.Struct):
    """`senha` is there when it was made up: nobody can read it again."""

    hospital: str
    user: PersonRow
    senha: str | None


@app.command
async def create(
    hospital: str,
    email: str,
    *,
    nome: str,
    role: list[str],
    senha: str | None = None,
    senha_stdin: FromStdin = False,
    json: Json = False,
) -> None:
    """Make a person of a hospital.

    Without --senha and --senha-stdin the password is asked for; without a terminal it is made up, and shown once.

    Args:
        hospital: The hospital's slug or id.
        email: The e-mail to sign in with.
        nome: The person's name.
        role: A role, such as Veterinário or enfermeiro (case and accents do not matter); again for more.
        senha: The password. Other users of this machine can see it: prefer --senha-stdin.
        senha_stdin: Read the password from the first line of standard input.
        json: Print who was made as JSON, the password too when it was made up.
    """
    password = choose_password(senha, stdin=senha_stdin)
    async with owner() as (connection, _, _):
        place = await find(connection, hospital)
        person = await create_user(
            connection, place, email=email, nome=nome, roles=role, senha_hash=await hashed(password.text)
        )
    _tell(Told(place.slug, person, None), password, f"made {person.email} in {place.slug}", json=json)


@app.command(name="reset-password")
async def reset(
    hospital: str,
    email: str,
    *,
    senha: str | None = None,
    senha_stdin: FromStdin = False,
    json: Json = False,
) -> None:
    """Give a person a new password, and end every session that the old one opened.

    Without --senha and --senha-stdin the password is asked for; without a terminal it is made up, and shown once.

    Args:
        hospital: The hospital's slug or id.
        email: The e-mail the person signs in with.
        senha: The new password. Other users of this machine can see it: prefer --senha-stdin.
        senha_stdin: Read the password from the first line of standard input.
        json: Print the outcome as JSON, the password too when it was made up.
    """
    password = choose_password(senha, stdin=senha_stdin)
    async with owner() as (connection, _, _):
        place = await find(connection, hospital)
        person = await reset_password(
            connection, place, email, senha_hash=await hashed(password.text), now=Clock().now()
        )
    done = f"{person.email} of {place.slug} has a new password; sessions ended: {person.sessions_ended}"
    _tell(Told(place.slug, person, None), password, done, json=json)
    if not person.ativo and not json:
        say("this user is deactivated: an administrator of the hospital must reactivate them", stderr=True)


def _tell(told: Told, password: Password, done: str, *, json: bool) -> None:
    if json:
        told.senha = password.text if password.made else None
        emit(told)
        return
    say(f"{done} ({', '.join(told.user.roles)})")
    show_once(password)
