"""The web page: drop a film, choose a model, see and hear what it makes of it (``avssl app``).

It is above the pipelines, as the command line is, and needs the extra ``app``. A Space of the Hub is three files:
``app.py`` ::

    from avssl_hub.app import AppSettings, Limits, serve

    if __name__ == "__main__":
        serve(AppSettings(host="0.0.0.0", limits=Limits(megabytes=50, seconds=30)))

where the condition keeps the process that opens films from serving another page; ``requirements.txt`` with the address
of this repository and ``[app]`` behind it, and the lines of ``constraints.txt``; and a ``README.md`` whose header says
``sdk: gradio`` and ``app_file: app.py``.
"""

from .limits import Limits
from .serve import AppSettings, serve

__all__ = ["AppSettings", "Limits", "serve"]
