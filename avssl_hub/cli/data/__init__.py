"""``avssl data``: what is done about media files before training; one module a verb."""

import typer

from . import check, manifest, prepare, prepare_360, shard, table

app = typer.Typer(no_args_is_help=True, help="List, check and prepare media files for training.")
for verb in (manifest, table, check, shard, prepare, prepare_360):
    app.command(verb.__name__.rpartition(".")[2].replace("_", "-"))(verb.run)
