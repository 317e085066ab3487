"""How transformers' ``pipeline()`` loads a model of this package by name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import zoo
from ...errors import InvalidValueError, explain

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Checkpoint:
    """Stands where transformers wants an Auto class: a config of this package may be that of several models."""

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        trust_remote_code: bool | None = None,
        _from_pipeline: str | None = None,
        **kwargs: Any,
    ) -> "PreTrainedModel":
        """Load a folder or Hub repository as ``avssl_hub.load`` does: strictly, into the class its config names.

        Raises:
            InvalidValueError: The Hub is to be reached in a way that only the environment sets here.
            AvsslError: What ``avssl_hub.load`` raises.
        """
        for option, given, variable in (
            ("token", token, "HF_TOKEN"),
            ("local_files_only", local_files_only, "HF_HUB_OFFLINE"),
        ):
            if given:
                raise InvalidValueError(explain(option, given, "none", f"Set {variable} in the environment."))
        return zoo.load(Path(name) if Path(name).is_dir() else f"hf://{name}", revision=revision, **kwargs)
