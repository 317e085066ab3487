"""``avssl ambisonics info``: what is in the file, and from where."""

from math import degrees, log10
from typing import TYPE_CHECKING

from .._console import note, progress_bar, say, show, table
from ._options import Files, GivenConvention, StoredOrder, opened

if TYPE_CHECKING:
    from ...pipelines.ambisonics.report import AmbisonicReport
    from ...pipelines.ambisonics.source import AmbisonicSound

# Between real first-order recordings read as they should be and not, misfits differ by less.
_CLEARLY = 1 / 3


def run(files: Files, convention: GivenConvention = None, stored_order: StoredOrder = False) -> None:
    """Show order, convention, levels of the channels, and where the sound comes from.

    No file of plain channels tells its convention for sure. The misfit is the share of the sound between 2 and 6 kHz
    that contradicts one: the lowest is the likeliest, above all of second and third order. First order has nothing but
    the level of X, Y and Z to go by, which is 1, 2 or 3 times that of W in ambix, fuma and n3d if nothing is missing.
    """
    from ...pipelines.ambisonics.report import inspect_ambisonics

    with opened(files, convention, stored_order) as sound, progress_bar("listening", "seconds") as move:
        report = inspect_ambisonics(sound, move)
    stated = "given" if convention else "stated in the file" if sound.stated else "assumed"
    channels = f"{len(report.levels)} channels, order {sound.order}"
    say(f"{sound.name}: {channels}, {sound.sampling_rate} Hz, {report.seconds:.2f} s")
    say(f"convention: {sound.convention}, {stated}")
    _show_misfits(sound, report)
    _show_levels(report)
    _show_directions(report)


def _show_misfits(sound: "AmbisonicSound", report: "AmbisonicReport") -> None:
    if not report.misfits:
        return
    say(f"misfit between 2 and 6 kHz: {_listed(report.misfits)}")
    limit = _CLEARLY * report.misfits[sound.convention]
    best = min(report.misfits, key=report.misfits.get)
    if report.other_misfits:
        say(f"  channels in the other order: {_listed(report.other_misfits)}")
        other = min(report.other_misfits, key=report.other_misfits.get)
        if report.other_misfits[other] < min(limit, report.misfits[best]):
            note(f"The other order of channels fits clearly better, as {other}; see --stored-order.")
            return
    if report.misfits[best] < limit:
        note(f"{best} fits clearly better than {sound.convention}; see --convention.")


def _listed(misfits: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0%}" for name, value in misfits.items())


def _show_levels(report: "AmbisonicReport") -> None:
    shown = table("channel", "level (dB)", "peak (dB)")
    for level in report.levels:
        shown.add_row(level.name, _decibels(level.rms), _decibels(level.peak))
    show(shown)


def _show_directions(report: "AmbisonicReport") -> None:
    if not report.directions:
        say("no direction stands out" if any(level.peak for level in report.levels) else "the sound is silent")
        return
    shown = table("azimuth", "elevation", "share")
    for found in report.directions:
        shown.add_row(f"{degrees(found.azimuth):z.0f}°", f"{degrees(found.elevation):z.0f}°", f"{found.share:.0%}")
    show(shown)
    say(f"diffuseness: {report.diffuseness:.2f}")


def _decibels(level: float) -> str:
    return f"{20 * log10(level):.1f}" if level else "silent"
