"""``avssl ambisonics``: what can be done with a file of ambisonics; one module a verb."""

import typer

from . import binauralize, info, map, rotate

app = typer.Typer(no_args_is_help=True, help="Look into ambisonic sound, turn it, hear it with two ears, see it.")
for verb in (info, rotate, binauralize, map):
    app.command(verb.__name__.rpartition(".")[2])(verb.run)
