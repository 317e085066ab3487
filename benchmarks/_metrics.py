"""How people read figures: shares in percent, ratios and levels in decibels, distances as they are."""

# Those that are no shares; a distance of spatial sound has no name for its unit.
UNITS = {
    **dict.fromkeys(("SDR", "SIR", "SAR", "on-screen SDR", "SI-SDR", "SI-SDRi", "on/off L1"), "dB"),
    **dict.fromkeys(("SNR", "LSD", "mel LSD"), "dB"),
    **dict.fromkeys(("STFT", "ENV", "EMD", "MSE", "EMD of direction"), ""),
}
# Scores of which less is better.
LOWER_IS_BETTER = ("STFT", "ENV", "EMD")


def is_share(figure: str) -> bool:
    """Whether a figure of that name is a share, 0 to 1."""
    return figure not in UNITS


def unit(figure: str) -> str:
    """Return the unit that people read a figure in; empty where it has none."""
    return UNITS.get(figure, "%")


def scaled(figure: str, value: float) -> float:
    """Return a figure in the unit that people read it in."""
    return 100 * value if is_share(figure) else value


def digits(figure: str) -> int:
    """Return how many digits behind the point people read."""
    return 1 if unit(figure) else 3


def number(figure: str, value: float) -> str:
    """Write a figure in the unit that people read it in, without that unit."""
    return f"{scaled(figure, value):.{digits(figure)}f}"


def score_text(figure: str, value: float) -> str:
    """Write a figure for a column that is of percent unless told otherwise."""
    return number(figure, value) if is_share(figure) else f"{number(figure, value)} {unit(figure)}".rstrip()


def rank(figure: str, value: float) -> float:
    """Return what puts the best first when sorted."""
    return value if figure in LOWER_IS_BETTER else -value
