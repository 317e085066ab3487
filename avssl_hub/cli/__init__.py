"""The ``avssl`` command; one module a verb, each importing what it needs only when it runs."""

from typing import Annotated

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import AvsslError
from . import (
    align360,
    ambisonics,
    bench,
    convert,
    data,
    demo,
    doctor,
    embed,
    info,
    localize,
    ls,
    page,
    recognize,
    reproduce,
    segment360,
    separate,
    spatialize,
    sync,
    train,
    verify,
)
from ._console import say, say_error


class _Verbs(TyperGroup):
    """Turns errors made for users into one paragraph and an exit status; ``--debug`` lets them through."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except AvsslError as error:
            if ctx.params["debug"]:
                raise
            say_error(str(error))
            raise typer.Exit(2) from error
        except KeyboardInterrupt as error:
            say_error("interrupted")
            raise typer.Exit(130) from error


app = typer.Typer(cls=_Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for verb in (
    ls,
    info,
    embed,
    sync,
    localize,
    separate,
    spatialize,
    align360,
    segment360,
    recognize,
    demo,
    train,
    reproduce,
    convert,
    verify,
    doctor,
):
    app.command(verb.__name__.rpartition(".")[2])(verb.run)
app.command("app")(page.run)
app.command("bench", context_settings=bench.SETTINGS)(bench.run)
app.add_typer(data.app, name="data")
app.add_typer(ambisonics.app, name="ambisonics")


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"avssl_hub {__version__}")
        raise typer.Exit


@app.callback(help="The model zoo of audio-visual self-supervised learning.")
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    app(prog_name="avssl")
