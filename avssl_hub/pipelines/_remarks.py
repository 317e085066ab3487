"""What is missing or odd about a file, and where."""


class Remarks:
    """Notes on spans of time, joined where spans of the same kind touch."""

    def __init__(self):
        self._spans: dict[str, list[list[float]]] = {}

    def tell(self, what: str, begin: float, end: float) -> None:
        """Note something of the time from ``begin`` to ``end`` seconds; both rise from call to call."""
        spans = self._spans.setdefault(what, [])
        if spans and begin <= spans[-1][1] + 1e-6:
            spans[-1][1] = end
        else:
            spans.append([begin, end])

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a kind."""
        return tuple(
            f"{what}: {', '.join(f'{begin:.2f} to {end:.2f} s' for begin, end in spans)}"
            for what, spans in self._spans.items()
        )
