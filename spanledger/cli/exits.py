"""How a command ends: exit codes by error, one sentence on stderr, never a stack trace."""

import os
import sys
from collections.abc import Sequence

import click

from ledger.errors import LedgerError
from queries.wire import harmless

CODES_TEXT = (
    "0 ok, 1 failure, 2 usage, 3 verification failed, 4 auth, 5 cannot reach the server, 6 over budget, 130 interrupted"
)
OK, FAILURE, USAGE, UNVERIFIED, AUTH, UNREACHABLE, OVER_BUDGET, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130


class Unreachable(LedgerError):
    """No server answers at the given address."""

    retryable = True


class Forbidden(LedgerError):
    """The server wants other credentials."""


CODES: dict[type[BaseException], int] = {
    Unreachable: UNREACHABLE,
    Forbidden: AUTH,
    LedgerError: FAILURE,
    OSError: FAILURE,
}
"""First match wins, so the special comes before the general."""


def run(command: click.Command, args: Sequence[str] | None) -> int:
    """Run `command` and give its exit code."""
    try:
        words = list(sys.argv[1:] if args is None else args)
        with command.make_context("spanledger", words) as context:  # click's own `main` would end a closed pipe with 1
            code = command.invoke(context)
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:  # `spanledger runs | head -1`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except tuple(CODES) as error:
        print(f"spanledger: {harmless(str(error))}", file=sys.stderr)
        return next(code for kind, code in CODES.items() if isinstance(error, kind))
