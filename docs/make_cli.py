"""Writes docs/cli.md: every command with the help that click prints. `make docs` runs it; a test compares."""

from pathlib import Path

from click.testing import CliRunner

from ganlab.cli.main import COMMANDS, cli

PAGE = Path(__file__).parent / "cli.md"

HEAD = """\
# Commands

Made by `make docs` from the program itself; do not edit.

{help}
A RUN is a path to a run folder, its name, the config's name where only one run has it (`exp03`, `exp03-seed0`), or the first
four or more hex digits of its identity. A message is one line on standard error; `GANLAB_DEBUG=1` adds the traceback.

## Completion

A shell completes commands, options, names of runs, config keys after `-o` and metrics after one of these lines in its start file:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(_GANLAB_COMPLETE=bash_source ganlab)"` |
| zsh | `~/.zshrc` | `eval "$(_GANLAB_COMPLETE=zsh_source ganlab)"` |
| fish | `~/.config/fish/completions/ganlab.fish` | `_GANLAB_COMPLETE=fish_source ganlab \| source` |

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed: a file or disk that cannot be read or written, damaged data, an internal error |
| 2 | wrong usage or a wrong config |
| 3 | some runs of a sweep are not finished |
| 4 | the training diverged |
| 5 | another process is at this run |
| 6 | no such checkpoint, or a damaged one; `verify` found damage |
| 7 | data or weights are not on this machine and could not be downloaded |
| 75 | stopped by a signal after saving; the same command goes on |
| 130 | a second Ctrl-C, which saves nothing |

## Environment

| variable | meaning |
|---|---|
| `GANLAB_DATA` | a folder with one folder for each data set (`mnist/`, `cifar10/`, ...) |
| `GANLAB_CACHE` | downloads, prepared pictures, statistics of real data; the user's cache folder by default |
| `GANLAB_DEBUG` | `1` shows tracebacks and what the frameworks print |
"""


def help_of(*command: str) -> str:
    """What `ganlab [COMMAND] --help` prints on a terminal of 80 columns."""
    result = CliRunner().invoke(cli, [*command, "--help"], prog_name="ganlab", terminal_width=80)
    return result.output


def page() -> str:
    """The whole of docs/cli.md."""
    parts = [HEAD.format(help=_block(help_of()))]
    parts += [f"## ganlab {name}\n\n{_block(help_of(name))}" for name in COMMANDS]
    return "\n".join(parts)


def _block(text: str) -> str:
    return f"```\n{text}```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
