"""What a model card's header may hold, and reading it strictly.

A card is ``README.md`` beside a checkpoint: YAML front matter with the Hub's own keys and ours under
``avssl``, then Markdown. The dataclasses here are the schema; a missing, unknown or ill-typed field is an
error that names the file and the field.
"""

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import yaml

from .errors import InvalidValueError, explain

CARD_FILE = "README.md"
_FENCE = "---\n"


@dataclass(frozen=True)
class Paper:
    """Where the method was published."""

    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    arxiv: str


@dataclass(frozen=True)
class Original:
    """The authors' code and checkpoint; ``sha256`` is ``unverified`` until the file has been seen."""

    code: str
    commit: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Licence:
    """Licences of the authors' code and weights, and whether the weights may be passed on."""

    code: str
    weights: str
    redistributable: Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class InputSpec:
    """One clip: ``frames`` at ``fps``, ``audio_duration`` seconds of sound.

    Frames are ``size`` pixels high and ``width`` wide, or square where no width is given.
    """

    frames: int | None
    fps: float | None
    size: int | None
    sampling_rate: int | None
    audio_duration: float | None
    spectrogram: str | None
    width: int | None = None


@dataclass(frozen=True)
class Parity:
    """Largest absolute difference from the reference outputs, and what was allowed."""

    max_abs_error: float
    tolerance: float
    against: str


@dataclass(frozen=True)
class Score:
    """One figure, its protocol, who reported it (``source``) and how well it is known (``evidence``).

    ``spread`` is over seeds; ``baseline`` is the same measured on random weights.
    """

    dataset: str
    metric: str
    value: float
    protocol: str
    source: Literal["release", "paper", "measured"]
    evidence: Literal["author-readme", "primary-table", "measured"]
    spread: float | None = None
    baseline: float | None = None
    baseline_spread: float | None = None


@dataclass(frozen=True)
class HubLocation:
    """The Hub repository and the pinned commit; no revision means not published."""

    repo_id: str
    revision: str | None


@dataclass(frozen=True)
class TorchHub:
    """The ``torch.hub`` entry points that offer this checkpoint, and under which ``pretrained=`` value."""

    entry_points: tuple[str, ...]
    pretrained: str


@dataclass(frozen=True)
class HubMetadata:
    """The keys the Hub itself reads: all but ``datasets``, repositories of the Hub, are made from ours.

    ``model_index`` (``model-index`` in the file) are our measured scores, and results of the benchmarks, which
    ``python -m benchmarks leaderboard --write`` brings in.
    """

    license: str
    library_name: Literal["transformers"]
    pipeline_tag: str
    tags: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    license_name: str | None = None
    license_link: str | None = None
    model_index: tuple[dict, ...] = field(default=(), metadata={"key": "model-index"})


@dataclass(frozen=True)
class ModelCard:
    """Everything known of one checkpoint; ``path`` is the card's file, the rest is its header.

    ``gmacs`` are billions of multiply-adds a clip by tower, ``files`` maps file names to their sha256,
    ``class_`` (``class`` in the file) is the model class the weights belong to.
    """

    name: str
    family: str
    class_: str
    summary: str
    tasks: tuple[str, ...]
    paper: Paper
    original: Original | None
    licence: Licence
    training_data: str
    input: InputSpec
    parameters: int
    gmacs: dict[str, float]
    parity: Parity | None
    scores: tuple[Score, ...]
    hub: HubLocation
    files: dict[str, str]
    converter: str | None
    torch_hub: TorchHub
    metadata: HubMetadata = field(metadata={"header": False})
    path: Path = field(metadata={"header": False})

    @classmethod
    def read(cls, path: Path) -> "ModelCard":
        """Read and validate the card at ``path``.

        Raises:
            InvalidValueError: The header is missing or breaks the schema; the text names file and field.
        """
        header, _ = split_card(path)
        if "avssl" not in header:
            raise InvalidValueError(explain(f"{path}: field avssl", "nothing", "the model's own header fields"))
        ours = header.pop("avssl")
        return _record(
            cls,
            ours,
            f"{path}: field avssl",
            metadata=_record(HubMetadata, header, f"{path}: field"),
            path=path,
        )


def split_card(path: Path) -> tuple[dict[str, Any], str]:
    """Return a card's header as plain data and the Markdown after it.

    Raises:
        InvalidValueError: There is no YAML front matter.
    """
    opening, fence, rest = path.read_text(encoding="utf-8").partition(_FENCE)
    header, closing, body = rest.partition("\n" + _FENCE)
    if opening or not fence or not closing:
        raise InvalidValueError(explain(f"{path}: header", "none", "YAML between two '---' lines at the top"))
    try:
        data = yaml.safe_load(header)
    except yaml.YAMLError as error:
        raise InvalidValueError(explain(f"{path}: header", f"a YAML error ({error})", "valid YAML")) from error
    if not isinstance(data, dict):
        raise InvalidValueError(explain(f"{path}: header", repr(data), "a mapping"))
    return data, body


def join_card(header: dict[str, Any], body: str) -> str:
    """Undo :func:`split_card`, with the header in its one canonical layout."""
    text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=110)
    return f"{_FENCE}{text}{_FENCE}{body}"


def is_card(path: Path) -> bool:
    """Whether ``path`` is a card of ours; other tools write a ``README.md`` too."""
    try:
        return path.is_file() and "avssl" in split_card(path)[0]
    except InvalidValueError:
        return False


def parse(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML data into ``kind``: a dataclass, a scalar, or a tuple, dict or optional of those.

    Args:
        kind: The annotation to satisfy.
        value: What ``yaml.safe_load`` gave.
        where: File and field, for the error.

    Raises:
        InvalidValueError: ``value`` is not of that kind.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if value is None else parse(arguments[0], value, where)
    if is_dataclass(kind):
        return _record(kind, value, where)
    if origin is Literal:
        return value if value in arguments else _refuse(where, value, f"one of {', '.join(map(repr, arguments))}")
    if origin is tuple:
        if not isinstance(value, list):
            _refuse(where, value, "a list")
        return tuple(parse(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            _refuse(where, value, "a mapping")
        return {key: parse(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    return value if type(value) is kind else _refuse(where, value, f"a value of type {kind.__name__}")


def _record(kind: type, value: Any, where: str, **given: Any) -> Any:
    if not isinstance(value, dict):
        _refuse(where, value, "a mapping")
    known = {
        entry.metadata.get("key", entry.name.rstrip("_")): entry
        for entry in fields(kind)
        if entry.metadata.get("header", True)
    }
    for name in value:
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else "Remove it."
            raise InvalidValueError(explain(_join(where, name), "an unknown field", f"one of {', '.join(known)}", hint))
    for name, entry in known.items():
        if name in value:
            given[entry.name] = parse(entry.type, value[name], _join(where, name))
        elif entry.default is MISSING:
            raise InvalidValueError(explain(_join(where, name), "nothing", "a value", "Add it to the card's header."))
    return kind(**given)


def _join(where: str, name: str) -> str:
    return f"{where} {name}" if where.endswith("field") else f"{where}.{name}"


def _refuse(where: str, value: Any, expected: str):
    hint = "Quote it: YAML reads a bare yes or no as a truth value." if isinstance(value, bool) else ""
    raise InvalidValueError(explain(where, repr(value), expected, hint))
