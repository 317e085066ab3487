"""How people read figures: shares in percent, ratios and levels in decibels."""

DECIBELS = ("SDR", "SIR", "SAR", "on-screen SDR", "SI-SDR", "SI-SDRi", "on/off L1")


def is_share(figure: str) -> bool:
    """Whether a figure of that name is a share, 0 to 1."""
    return figure not in DECIBELS


def unit(figure: str) -> str:
    """Return the unit that people read a figure in."""
    return "%" if is_share(figure) else "dB"


def scaled(figure: str, value: float) -> float:
    """Return a figure in the unit that people read it in."""
    return 100 * value if is_share(figure) else value


def number(figure: str, value: float) -> str:
    """Write a figure in the unit that people read it in, without that unit."""
    return f"{scaled(figure, value):.1f}"


def score_text(figure: str, value: float) -> str:
    """Write a figure for a column that is of percent unless told otherwise."""
    return number(figure, value) if is_share(figure) else f"{number(figure, value)} dB"
