"""AVID's protocol for sounds with a solver some twenty times as fast or more: the dual form on the Gram matrix."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..linear_probe import SVC
from .avid_sound import AvidSound

TOLERANCE = 1e-3


@dataclass(frozen=True)
class AvidSoundGram(AvidSound):
    """Clips, features and C of :class:`AvidSound`, whose features it shares, and one-against-rest machines likewise.

    They look at the training clips only through the products of every two, computed once for all classes. It is not
    the same classifier: its intercept is free where the published one is penalised, and it is trained until it has
    converged (to ``TOLERANCE``), where the published limit often ends the training early.

    The products take N² numbers of 8 bytes for N training clips: 2 GB for ESC-50.
    """

    name: ClassVar[str] = "avid_sound_gram"
    version: ClassVar[int] = 1

    def classify(self, rows, labels, test, seed):
        # Products in float32 are several times as fast; libsvm computes on with doubles.
        gram, products = (np.asarray(left @ rows.T, np.float64) for left in (rows, test))
        machine = SVC(C=self.cost, kernel="precomputed", tol=TOLERANCE)
        values = [machine.fit(gram, labels == label).decision_function(products) for label in range(labels.max() + 1)]
        return np.stack(values, 1), {"tolerance": TOLERANCE}
