"""The command line: what every command shares, and its exit codes; the commands themselves are in `commands/`.

Results go to standard output, progress and errors to standard error. Exit codes: 0 good; 2 bad input (one line, nothing
written); 3 not converged, or not calibrated; 130 interrupted; 141 broken pipe (the reader of standard output closed it).
"""

from __future__ import annotations

import errno
import gc
import io
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import cache
from typing import Annotated

import typer
from typer.exceptions import TyperException

from . import __version__
from .base.errors import DataError, NotConverged, in_one_line, plain
from .base.exit_codes import BAD_INPUT, CLOSED_PIPE, INTERRUPTED, NOT_CONVERGED
from .base.files import discard_unfinished
from .base.pytensor_folder import discard_scratch, use_writable_folder
from .commands.add_history import add_history
from .commands.add_row import add_row
from .commands.alternatives import alternatives
from .commands.calibrate import calibrate
from .commands.check import check
from .commands.check_model import check_model
from .commands.dictionary import dictionary
from .commands.diff import diff
from .commands.doctor import doctor
from .commands.equations import equations
from .commands.evidence import evidence
from .commands.explore import explore
from .commands.grow import explain, grow
from .commands.idea_production import epoch
from .commands.ledger import ledger
from .commands.notebooks import notebooks
from .commands.open import open_
from .commands.options import log_to_standard_error
from .commands.page import page, site
from .commands.report import report
from .commands.reproduce import reproduce
from .commands.sensitivity import sensitivity
from .commands.series import series
from .commands.sweep import sweep
from .commands.table import table
from .commands.timeline import timeline
from .commands.views import list_, new

__all__ = ["app", "main", "tree"]

DRAWING = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
"""Every figure is written to a file. Jupyter sets MPLBACKEND for the commands that it starts; if that backend is not installed
here, neither matplotlib nor ArviZ can be imported."""

NO_ROOM = ("failed to map segment", "load shared object file")
"""What the error messages say, the system's and llvmlite's, when a compiled module does not fit into memory."""

TOO_LITTLE_MEMORY = "sie: found too little memory, want fewer draws or a larger machine"

LONG_NAME = 80
"""Letters of a path's name that a message repeats."""

COMMANDS = {
    "report": report,
    "page": page,
    "site": site,
    "evidence": evidence,
    "check": check,
    "check-model": check_model,
    "list": list_,
    "new": new,
    "grow": grow,
    "explain": explain,
    "explore": explore,
    "sweep": sweep,
    "calibrate": calibrate,
    "series": series,
    "add-history": add_history,
    "add-row": add_row,
    "epoch": epoch,
    "open": open_,
    "notebooks": notebooks,
    "equations": equations,
    "dictionary": dictionary,
    "timeline": timeline,
    "reproduce": reproduce,
    "sensitivity": sensitivity,
    "alternatives": alternatives,
    "diff": diff,
    "table": table,
    "ledger": ledger,
    "doctor": doctor,
}
"""Every command by name."""

PANELS = {
    "Answers": (
        "report",
        "page",
        "site",
        "table",
        "alternatives",
        "sensitivity",
        "diff",
        "reproduce",
        "ledger",
        "open",
    ),
    "Evidence": ("evidence", "series", "add-history", "add-row", "epoch", "timeline", "check", "check-model"),
    "Growth": ("grow", "explain"),
    "Views and tools": ("list", "new", "dictionary", "equations", "explore", "notebooks"),
    "Many fits": ("sweep", "calibrate", "doctor"),
}
"""The parts of the help, and the commands of each in order of use."""

HELP = "Returns to AI software R&D (r), and the probability of a software intelligence explosion (SIE)."

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False, help=HELP)


@cache
def tree():
    """Every command with its options, as the parser has them; built once in a process."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.stderr is None:  # closed by the parent process; a message would go to standard output
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if sys.stdout is None:  # the next file opened would get its descriptor, and the results
        sys.exit(_fail("sie: found a closed standard output, want a place to write (> /dev/null)", BAD_INPUT))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    os.environ |= DRAWING
    use_writable_folder()
    logging.getLogger("matplotlib").setLevel(
        logging.CRITICAL
    )  # it would warn of a matplotlibrc, which nothing here uses
    before = signal.signal(signal.SIGINT, _interrupted)
    try:
        code = tree()(standalone_mode=False)
        sys.stdout.flush()
    except (DataError, TyperException) as error:
        code = _fail(_in_words(error) if isinstance(error, TyperException) else str(error), BAD_INPUT)
    except NotConverged as error:
        code = _fail(str(error), NOT_CONVERGED)
    except MemoryError:
        code = _fail(TOO_LITTLE_MEMORY, BAD_INPUT)
    except ImportError as error:
        if not _found_no_room(error):
            raise
        code = _fail(TOO_LITTLE_MEMORY, BAD_INPUT)
    except (BrokenPipeError, SystemExit) as stopped:
        # Typer and Rich turn a broken pipe into exit code 1, which nothing else uses.
        code = CLOSED_PIPE if isinstance(stopped, BrokenPipeError) or stopped.code == 1 else stopped.code
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        if _found_no_room(error):
            code = _fail(TOO_LITTLE_MEMORY, BAD_INPUT)
        elif error.filename is not None:  # of a path on the command line; a stream has no name
            name = os.fsdecode(error.filename)
            where = name if len(name) <= LONG_NAME else f"{name[:LONG_NAME]}..."
            code = _fail(
                str(DataError(where, plain(error.strerror or "an error"), "a path that can be used")),
                BAD_INPUT,
            )
        elif error.errno == errno.ENOENT:
            code = _fail("sie: found a working folder that is gone, want one that exists (cd)", BAD_INPUT)
        else:
            code = _fail(
                f"sie: found {error.strerror or error} on standard output, want a place to write", BAD_INPUT
            )
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        signal.signal(signal.SIGINT, before)
    gc.freeze()  # nothing is worth collecting at exit; it would take a second
    sys.exit(code or 0)


def _found_no_room(error: Exception) -> bool:
    """Whether a compiled module did not fit into memory."""
    return any(words in str(error) for words in NO_ROOM)


def _interrupted(signum, frame) -> None:
    """End at once. An exception could be lost: it may arise in a callback of compiled code, which ignores it."""
    discard_unfinished()
    discard_scratch()
    if os.isatty(2):
        os.write(2, b"\r\x1b[K\x1b[?25h")  # a progress line hides the cursor
    os.write(2, b"sie: interrupted\n")
    os._exit(INTERRUPTED)


NUMBERS = {
    **dict.fromkeys(("int", "value_error"), "a whole number, as in 4000"),
    "float": "a number with a decimal point, as in 1.5",
}
"""What an error message asks for if an option's text is not a valid number."""


LIMITS = {"--ceiling": "; inf for none"}
"""What else an option takes."""


def _in_words(error: TyperException) -> str:
    """What the parser of the command line refuses; a text that is no number as every other refusal."""
    option, errors = getattr(error, "param", None), getattr(error.__cause__, "errors", None)
    if option is not None and errors is not None:
        [found, *_] = errors()
        for kind, want in NUMBERS.items():
            if found["type"].startswith(kind):
                name = max(option.opts, key=len)
                return str(DataError(name, found["input"], want + LIMITS.get(name, "")))
    return f"sie: {error.format_message()} (see {_path(error)} --help)"


def _path(error: TyperException) -> str:
    """The command whose help says more."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "sie"


def _fail(message: str, code: int) -> int:
    with suppress(OSError):  # the code says it where nothing can be written
        print(in_one_line(message), file=sys.stderr, flush=True)
    return code


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log progress to standard error.")] = False,
) -> None:
    if verbose:
        log_to_standard_error()
    if show_version:
        print(f"sie {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise DataError("sie", plain("no command"), f"one of {', '.join(COMMANDS)} (see sie --help)")


for _panel, _names in PANELS.items():
    for _name in _names:
        app.command(_name, rich_help_panel=_panel)(COMMANDS[_name])


if __name__ == "__main__":
    main()
