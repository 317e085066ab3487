"""The web page: drop a film, choose a model, see and hear what it makes of it (``avssl app``).

It is above the pipelines, as the command line is, and needs the extra ``app``. How to run it as a Space of the Hub:
``site/pages/tasks/web_page.md``.
"""

from .limits import Limits
from .serve import AppSettings, serve

__all__ = ["AppSettings", "Limits", "serve"]
