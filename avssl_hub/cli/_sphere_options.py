"""Options of the verbs that read 360° films: what is told of a film in place of what it says of itself."""

from typing import Annotated

import typer

Projection = Annotated[
    str | None, typer.Option(help="Of 360°: equirectangular, cubemap or eac (YouTube's), whatever the film says.")
]
Stereo = Annotated[
    str | None, typer.Option(help="Of 360°: mono, top-bottom, left-right or right-left, whatever the film says.")
]
Channels = Annotated[
    str | None,
    typer.Option(help="Which channels are W,Y,Z,X, counted from 0; by default metadata or the codec tell."),
]
