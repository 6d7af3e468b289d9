"""The command line `zoapets`: one file a group of commands, each loaded when it is asked for.

What the commands say is for those who run the installation, in English; exit codes: 0 done, 1 failed, 2 misused or
misconfigured, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from zoapets import __version__
from zoapets.cli.output import FAILED, INTERRUPTED, MISUSED, FailureError, complain
from zoapets.core.config import ConfigError

app = App(
    name="zoapets",
    version=__version__,
    help="""Zoa Pets, the backend of veterinary hospitals.

Begin with `zoapets demo`: it needs nothing else. In production: `zoapets migrate`, `zoapets tenants create`, \
`zoapets doctor`, `zoapets serve`. The configuration is in environment variables, see `.env.example`.

Exit codes: 0 done, 1 failed, 2 misused or misconfigured, 130 interrupted.""",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
app.command("zoapets.cli.demo:demo", help="Start everything on this machine, with two hospitals to try.", sort_key=1)
app.command("zoapets.cli.serve:serve", help="Answer requests, as the environment says.", sort_key=2)
app.command(
    "zoapets.cli.migrate:migrate", help="Prepare the database, and bring every hospital up to date.", sort_key=3
)
app.command("zoapets.cli.doctor:doctor", help="Check the installation, and say what to do.", sort_key=4)
app.command(
    "zoapets.cli.tenants:app", name="tenants", help="Make, list, suspend, compare and copy hospitals.", sort_key=5
)
app.command("zoapets.cli.users:app", name="users", help="Make people, and give them new passwords.", sort_key=6)
app.command(
    "zoapets.cli.audit:app", name="audit", help="Seal audit trails, and verify that nobody changed them.", sort_key=7
)
app.command("zoapets.cli.openapi:openapi", help="Print the OpenAPI document.", sort_key=8)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command (by default, the process's own arguments); its exit code."""
    given = sys.argv[1:] if tokens is None else list(tokens)
    try:
        code = app(given, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        # Said already.
        return MISUSED
    except ConfigError as error:
        complain(*error.errors, advice="Every variable is described in .env.example.")
        return MISUSED
    except FailureError as error:
        complain(*error.reasons, advice=error.advice)
        return error.code
    except BrokenPipeError:
        # Who read our output has gone, as `head` does; the interpreter must not complain of it again.
        sys.stdout = None
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code if isinstance(code, int) else 0
