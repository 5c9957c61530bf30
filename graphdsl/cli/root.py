"""The group of all commands, by name only: `--help` imports none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "check": "Say what is wrong with a program, without running it.",
    "fmt": "Rewrite programs in their canonical form.",
    "explain": "Explain a diagnostic code.",
    "graph": "Draw a flow.",
    "plan": "Show what a flow will do and what it can cost.",
    "run": "Run a flow on one input, or on a file of them.",
    "eval": "Score a flow on examples, beside baselines at equal cost.",
    "test": "Run the tests of programs.",
    "report": "Show what a finished study has found.",
    "trace": "Show what a run did, node by node.",
    "models": "List, fetch and find the models known by name.",
    "cache": "Show or drop the answers that are kept.",
    "memory": "Look into memory files, and at their earlier versions.",
    "sandbox": "Try the sandboxes for code of models, and say which is used.",
    "ops": "List the operators of the language.",
    "convert": "Write a configuration of Archon as a program.",
    "methods": "List the published methods that come as flows, or print one.",
}
"""Every command with its one-line help; the command itself is in the module of its name."""


class LazyGroup(click.Group):
    """Looks a command up in its module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"graphdsl.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion for a mistyped name."""
        from graphdsl.diagnostics import did_you_mean

        name = args[0]
        near = () if name in COMMANDS else did_you_mean(name, COMMANDS)
        if near:
            raise click.UsageError(f"no such command `{name}`; did you mean `{near[0]}`?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"graphdsl {version('graphdsl-tts')}")
    ctx.exit()


_EPILOG: Final = """\b
Exit codes: 0 ok; 1 the program or its data is wrong; 2 usage; 3 a budget ran out and the
result is partial; 4 a model failed; 70 a defect of graphdsl; 130 interrupted.
Every command has --json: one object on stdout, documented in docs/json.md."""


@click.group(
    cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Print the version and leave.",
)
def cli() -> None:
    """Programs for test-time scaling: check them, draw them, bound their cost, run them."""
