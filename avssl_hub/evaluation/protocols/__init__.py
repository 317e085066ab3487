"""How papers score frozen features, one protocol a file: which clips, which features, which classifier."""

from .avid_sound import AvidSound
from .pooled_probe import PooledProbe
from .protocol import Protocol

PROTOCOLS: dict[str, type[Protocol]] = {protocol.name: protocol for protocol in (AvidSound, PooledProbe)}

__all__ = ["PROTOCOLS", "AvidSound", "PooledProbe", "Protocol"]
