"""The command line: a list of the commands. An error becomes one line and an exit code.

Each command is an object `command` in its own file, `ganlab/cli/<name>.py`. The file is imported when the command is called, so
that `ganlab --help` answers at once.
"""

import codecs
import contextlib
import importlib
import os
import sys
import traceback

import click
from click.shell_completion import CompletionItem

from ganlab import __version__
from ganlab.errors import GanlabError, did_you_mean
from ganlab.reports.table import printable  # here, because an import may fail when memory is short
from ganlab.working_folder import SAFE_PATH

COMMANDS = {
    "run": "Train the GAN that a config file describes.",
    "sweep": "Train a folder of configs, or a study.",
    "report": "Compare runs: a table for each data set.",
    "prepare": "Make a data set of photos, such as CelebA.",
    "data": "List the data sets and where each was found.",
    "check": "Validate configs without training.",
    "sample": "Make images from a run's checkpoint.",
    "evaluate": "Compute metrics of finished runs.",
    "export": "Send runs to MLflow or TensorBoard.",
    "neighbours": "Compare generated images with the nearest training images.",
    "init": "Write a first config for a data set.",
    "ls": "List runs.",
    "show": "Show one run: scores, cost, pictures.",
    "diff": "Compare two runs: config, scores, environment.",
    "rm": "Move runs to the trash.",
    "verify": "Check run folders for damage.",
    "schema": "Print the JSON Schema of config files, for editors.",
    "doctor": "Check this machine: backends, devices, data, weights.",
}
INTERRUPTED = 130
_SHORT_OF_MEMORY = "not enough memory; a smaller batch_size or data.limit needs less"
_PLAIN = {"±": "+/-", "×": "x", "→": "->", "…": "...", "–": "-"}


class LazyGroup(click.Group):
    """A group with the names and help lines of its commands. It imports a command only to call it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return importlib.import_module(f"ganlab.cli.{name}").command if name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        return [CompletionItem(name, help=COMMANDS[name]) for name in names] or super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> None:
        super().invoke(ctx)  # the value of a command is no exit code

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="ganlab", message="%(prog)s %(version)s")
def cli() -> None:
    """Train, measure and compare GANs that are described by YAML files."""


def main(arguments: list[str] | None = None) -> None:
    """Runs one command, of the process's own arguments by default, and exits with a code that ganlab.errors lists."""
    if arguments is None:
        _mend_streams()
        os.environ.update(SAFE_PATH)  # for processes that a framework starts
    sys.exit(_exit_code(arguments))


def _mend_streams() -> None:
    """Opens standard streams that the caller closed, and lets a terminal without Unicode show plain characters."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # the next file that is opened would get its number
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    codecs.register_error("plain", lambda error: ("".join(_PLAIN.get(c, "?") for c in _unknown(error)), error.end))
    for stream in (sys.stdout, sys.stderr):
        if codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="plain")


def _unknown(error: UnicodeError) -> str:
    return error.object[error.start : error.end]


def _exit_code(arguments: list[str] | None) -> int:
    try:
        code = cli.main(args=arguments, prog_name="ganlab", standalone_mode=False)
        sys.stdout.flush()
        return code or 0  # click returns the code of an explicit exit, or None
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):  # click takes EOFError for Ctrl-D at a prompt; ganlab has no prompt
            return _fail(_internal(error.__cause__), 1)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GanlabError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", 1)
    except Exception as error:
        return _fail(_SHORT_OF_MEMORY if _is_short_of_memory(error) else _internal(error), 1)


def _is_short_of_memory(error: Exception) -> bool:
    # A library that does not fit into the memory is an ImportError.
    return isinstance(error, MemoryError) or "failed to map segment" in str(error)


def _internal(error: Exception) -> str:
    return f"internal error: {type(error).__name__}: {error} (GANLAB_DEBUG=1 shows where)"


def _fail(message: str, exit_code: int) -> int:
    """Prints the current error as one line, and its traceback with GANLAB_DEBUG=1."""
    if os.environ.get("GANLAB_DEBUG") == "1":
        traceback.print_exc()
    # A message may quote a file. `printable` keeps control characters from the terminal.
    click.echo(printable(message), err=True)
    return exit_code
