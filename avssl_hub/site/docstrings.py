"""Docstrings are written for Sphinx's roles and for readers of the source; the site's tools read Markdown."""

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:func|class|mod|data|meth):`~?([^`]+)`")


class InMarkdown(griffe.Extension):
    """Make roles plain code, and an example a section, whose prompts are kept."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change an object's docstring."""
        if obj.docstring:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = re.sub(r"(?m)^(\s*)Example:$", r"\1Examples:", text)
