"""The results as a Markdown table for people."""

from collections.abc import Mapping


def markdown(results: Mapping) -> str:
    """Render what ``python -m benchmarks.throughput`` measured."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    gemm = ", ".join(f"{speed:.0f} GFLOP/s on {threads}" for threads, speed in machine["gemm_gflops"].items())
    lines = [
        f"Measured {results['date']} on {machine['cpu']}, {machine['cores']} cores ({machine['instructions']}), "
        f"{machine['system']}, Python {machine['python']}, {versions}. Float32 matrix product, by threads: {gemm}. "
        f"Load average at the start {machine['load_average']:.1f}.",
    ]
    for section in results["sections"].values():
        settings = ", ".join(f"{name} {_setting(value)}" for name, value in section["setting"].items())
        lines += ["", f"### {section['title']}", "", f"Medians; {settings}.", ""]
        lines += _rows(section["rows"])
        lines += ["", "| figure | value | by CPU time | bar | |", "|---|---:|---:|---:|---|"]
        lines += [_figure(figure) for figure in section["figures"]]
    return "\n".join(lines) + "\n"


def _rows(rows: list[Mapping]) -> list[str]:
    # Only loading has a memory column, only networks an output to compare.
    memory = any("memory_mb" in row for row in rows)
    lines = [
        f"| what | ms | CPU ms | a second |{' MB |' if memory else ''}",
        f"|---|---:|---:|---:|{'---:|' if memory else ''}",
    ]
    for row in rows:
        cpu = f"{row['cpu_ms']:.1f}" if "cpu_ms" in row else ""
        cells = [row["name"], f"{row['wall_ms']:.1f}", cpu, f"{row['per_second']:.1f}"]
        if memory:
            cells.append(f"{row['memory_mb']:.0f}" if "memory_mb" in row else "")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _figure(figure: Mapping) -> str:
    unit = figure["unit"]
    cpu = f"{figure['cpu_value']:.2f}{unit}" if "cpu_value" in figure else ""
    value, limit, verdict = _number(figure["value"], unit), "", ""
    if figure["bar"] is not None:
        limit = f"{'≥' if figure['at_least'] else '≤'} {_number(figure['bar'], unit)}"
        verdict = "met" if figure["met"] else "missed"
    return f"| {figure['name']} | {value} | {cpu} | {limit} | {verdict} |"


def _number(value: float, unit: str) -> str:
    text = f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.2f}"
    return f"{text}{' ' if unit == 's' else ''}{unit}"


def _setting(value: object) -> str:
    if isinstance(value, Mapping):
        return " and ".join(f"{part:.0f} (threads: {name})" for name, part in value.items())
    return f"{value:.0f}" if isinstance(value, float) else str(value)
