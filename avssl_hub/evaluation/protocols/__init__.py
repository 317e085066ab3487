"""How papers score frozen features, one protocol a file: which clips, which features, which classifier."""

from .avid_sound import AvidSound
from .avid_sound_gram import AvidSoundGram
from .few_shot import FewShot
from .hear_mlp import HearMLP
from .pooled_probe import LinearLayer, PooledProbe
from .protocol import Protocol
from .recognition import Recognition
from .retrieval import CoclrRetrieval, Retrieval, SelaviRetrieval

PROTOCOLS: dict[str, type[Protocol]] = {
    protocol.name: protocol
    for protocol in (
        AvidSound,
        AvidSoundGram,
        PooledProbe,
        LinearLayer,
        FewShot,
        HearMLP,
        Retrieval,
        CoclrRetrieval,
        SelaviRetrieval,
        Recognition,
    )
}

__all__ = [
    "PROTOCOLS",
    "AvidSound",
    "AvidSoundGram",
    "CoclrRetrieval",
    "FewShot",
    "HearMLP",
    "LinearLayer",
    "PooledProbe",
    "Protocol",
    "Recognition",
    "Retrieval",
    "SelaviRetrieval",
]
