"""``python -m avssl_hub.cli``, which ``accelerate launch -m`` and ``torchrun -m`` need."""

from . import main

main()
