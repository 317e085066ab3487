"""Protocols that train: full fine-tuning by published recipes, and AVID's linear probe of video."""

from .finetune import Finetune
from .job import Job
from .most_probe import MostProbe
from .protocol import TrainedProtocol
from .scoring import TrainedScores, score_trained

TRAINED: dict[str, type[TrainedProtocol]] = {protocol.name: protocol for protocol in (Finetune, MostProbe)}

__all__ = ["TRAINED", "Finetune", "Job", "MostProbe", "TrainedProtocol", "TrainedScores", "score_trained"]
