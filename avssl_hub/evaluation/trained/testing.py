"""A trained model on the test recordings of a split."""

from dataclasses import asdict

from ...data.manifest import Manifest
from ...errors import explain
from ...hub import sha256_of
from ...jobs.ranks import Ranks
from ...media import MediaReader, MissingStreamError
from ..answers import Answer
from ..features import FeatureStore, extract
from .clips import TestClips
from .job import Job
from .training import Trained


def check_pictures(manifest: Manifest, ranks: Ranks) -> None:
    """Refuse test recordings that have no picture.

    Raises:
        MediaError: One of them cannot be opened, or has none.
    """
    for item in ranks.share(manifest, seed=0):
        with item.open() as file, MediaReader(file) as reader:
            if reader.video is None:
                raise MissingStreamError(explain(item.name, "no video", "a recording with video"), item.name)


def test_split(job: Job, trained: Trained, manifest: Manifest, title: str) -> dict[str, Answer]:
    """Classify the test recordings that have not been yet.

    Args:
        job: What all splits share.
        trained: The model.
        manifest: The recordings.
        title: What progress calls the split.

    Returns:
        The answer of each layer, in the first process; nothing in the others.

    Raises:
        MediaError: A recording cannot be read. What is finished is kept.
    """
    model, protocol = trained.model, job.protocol
    deciding = {
        "protocol": protocol.name,
        "version": protocol.version,
        "weights_sha256": sha256_of(trained.weights),
        "processor_sha256": model.encoder.fingerprint()["processor_sha256"],
        **asdict(protocol.test),
    }
    store = FeatureStore(job.folder, deciding)
    with job.bar(f"{title}: test", "recordings") as move:
        clips = TestClips(model, protocol.test)
        keys, _ = extract(manifest, model.encoder, clips, "video", store, progress=move, ranks=job.ranks)
    if not job.ranks.first:
        return {}
    notes = {
        stage: {"steps": record.steps, "loss": record.loss, "broken": record.broken}
        for stage, record in trained.records.items()
    }
    answers = {}
    for layer in sorted(name.removeprefix("dense.") for name in store.names(keys[0]) if name.startswith("dense.")):
        ranked = Answer.by_mean(store.load(keys, f"dense.{layer}")).ranked
        answers[layer] = Answer(ranked, store.load(keys, f"random.{layer}").argmax(2)[None], notes)
    return answers
