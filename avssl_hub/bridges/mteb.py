"""Models as encoders of MTEB, the Massive Text Embedding Benchmark, for its tasks on sound and video."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Audio, Dataset, Video
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from .. import zoo
from ..data.clips import Span
from ..errors import InvalidValueError, MissingExtraError, explain
from ..evaluation.encoder import Encoder, Modality
from ..evaluation.protocols.clips import spaced_clips
from ..evaluation.view_encoder import load_encoder
from ..media import MediaReader, MissingStreamError
from ._clips import encode_clips

try:
    from mteb.models import ModelMeta
    from mteb.models.abs_encoder import AbsEncoder
    from mteb.types import PromptType
except ModuleNotFoundError as error:
    raise MissingExtraError(
        explain("bridge to MTEB", error, "the extra 'mteb'", "Run: pip install 'avssl-hub[mteb]'")
    ) from error

if TYPE_CHECKING:
    from mteb.abstasks.task_metadata import TaskMetadata

CLIPS = 10

_FEATURES = {"audio": Audio, "video": Video}
# Fields that MTEB demands; the width of embeddings depends on the task.
_UNKNOWN = (
    "loader",
    "release_date",
    "languages",
    "max_tokens",
    "embed_dim",
    "license",
    "training_datasets",
    "public_training_code",
    "public_training_data",
)


class MtebEncoder(AbsEncoder):
    """What ``mteb.evaluate`` takes, made of a model of the zoo (:func:`load`) or of any other through an adapter.

    A recording is embedded as the mean of the pooled features over clips that are spaced evenly over it; sound and
    picture together as the features of the one after those of the other. Retrieval of one by the other takes the
    embeddings in the space that the two share. Media are decoded here, so MTEB's own decoders need not be there.

    Args:
        encoder: The model.
        name: ``org/name``, as MTEB wants it.
        clips: Number of them.
        **known: Further fields of MTEB's ``ModelMeta``.

    Raises:
        InvalidValueError: The name has another form.
    """

    def __init__(self, encoder: Encoder, name: str, clips: int = CLIPS, **known: Any):
        if name.count("/") != 1:
            raise InvalidValueError(explain("name of a model for MTEB", repr(name), "'org/name'"))
        self.encoder, self.clips = encoder, clips
        fields = dict.fromkeys(_UNKNOWN) | {
            "revision": encoder.fingerprint()["weights_sha256"].split()[0][:12],
            "modalities": list(encoder.modalities),
            "n_parameters": encoder.parameters,
            "memory_usage_mb": 4 * encoder.parameters / 2**20,
            "framework": ["PyTorch"],
            "similarity_fn_name": "cosine",
            "use_instructions": False,
            "open_weights": True,
            # MTEB tells results apart by these.
            "experiment_kwargs": {"clips": clips} if clips != CLIPS else None,
        }
        self.mteb_model_meta = ModelMeta(name=name, **fields | known)

    def encode(
        self,
        inputs: DataLoader,
        *,
        task_metadata: "TaskMetadata",
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        show_progress_bar: bool = False,
        **kwargs: Any,
    ) -> np.ndarray:
        """Embed the rows of a task, (rows, D) float32; the batches are the encoder's own.

        Raises:
            InvalidValueError: The task has text or images, its columns are no media, or it asks for a shared space
                that the model has not.
            MediaError: A recording cannot be read.
        """
        wanted, task = sorted(task_metadata.get_modalities(prompt_type)), task_metadata.name
        if set(wanted) - set(self.encoder.modalities):
            rule = f"only {' and '.join(self.encoder.modalities)}"
            raise InvalidValueError(explain(f"what task {task} embeds", " and ".join(wanted), rule))
        features = "embeds" if prompt_type and _crosses(task_metadata) else "pooled"
        rows = _undecoded(inputs.dataset, wanted, task)
        recordings = DataLoader(rows, batch_size=None, num_workers=inputs.num_workers, collate_fn=self._cut)
        shown = tqdm(recordings, desc=task, disable=not show_progress_bar)
        return np.stack([self._embed(recording, features) for recording in shown])

    def _cut(self, row: dict[Modality, dict[str, Any]]) -> dict[Modality, list[torch.Tensor]]:
        return {modality: _clips(media, self.encoder, modality, self.clips) for modality, media in row.items()}

    def _embed(self, recording: dict[Modality, list[torch.Tensor]], features: str) -> np.ndarray:
        means = [encode_clips(self.encoder, clips, modality, features).mean(0) for modality, clips in recording.items()]
        return torch.cat(means).cpu().numpy()


def load(name: str, device: str = "cpu", clips: int = CLIPS) -> MtebEncoder:
    """Load a model of the zoo as an encoder of MTEB.

    Args:
        name: As :func:`avssl_hub.load` takes it.
        device: Where it runs.
        clips: Number of clips of a recording.

    Raises:
        AvsslError: As :func:`avssl_hub.load` raises.
    """
    encoder, card = load_encoder(name, device=device), zoo.catalogue().get(name)
    if card is None:
        folder = Path(name)
        title = f"local/{folder.resolve().name}" if folder.is_dir() else name.removeprefix("hf://")
        return MtebEncoder(encoder, title, clips)
    known = {"revision": card.hub.revision} if card.hub.revision else {}
    code = card.original.code if card.original else None
    return MtebEncoder(encoder, card.hub.repo_id, clips, public_training_code=code, **known)


def _crosses(task: "TaskMetadata") -> bool:
    query, document = (set(task.get_modalities(side)) for side in (PromptType.query, PromptType.document))
    return query != document


def _undecoded(dataset: Dataset, columns: list[Modality], task: str) -> Dataset:
    """Keep these columns, as bytes or paths."""
    for column in columns:
        feature, found = _FEATURES[column], dataset.features.get(column)
        if not isinstance(found, feature):
            raise InvalidValueError(explain(f"column {column!r} of task {task}", found, f"datasets.{feature.__name__}"))
        dataset = dataset.cast_column(column, feature(decode=False))
    return dataset.select_columns(columns)


def _clips(media: dict[str, Any] | None, encoder: Encoder, modality: Modality, clips: int) -> list[torch.Tensor]:
    name = (media or {}).get("path") or "a recording"
    missing = MissingStreamError(explain(name, f"no {modality}", f"a recording with {modality}"), name)
    if media is None:
        raise missing
    with MediaReader(media["path"] if media["bytes"] is None else BytesIO(media["bytes"])) as reader:
        stream = reader.video if modality == "video" else reader.audio
        if stream is None:
            raise missing
        return spaced_clips(reader, Span(stream.start, stream.end), encoder, modality, clips)
