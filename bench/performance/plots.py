"""Figures of the cost curves, by gnuplot: seconds on the left, megabytes on the right."""

import subprocess

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
LOGARITHMIC = {"tokens", "prompts"}  # both axes; elsewhere both begin at 0


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def data_block(name, points):
    return "\n".join([f"${name} << EOD", *(" ".join(f"{value:.6g}" for value in point) for point in points), "EOD"])


def script(curve, name, path):
    series = {label: points for label, points in curve["series"].items() if points}
    lines = [
        "set terminal svg size 900,380 noenhanced font 'Helvetica,12' background '#ffffff'",
        f"set output {quoted(str(path))}",
        "set multiplot layout 1,2; set grid lt 1 lc rgb '#cccccc'; set tics nomirror",
        "set key top left reverse Left samplen 2",
        f"set xlabel {quoted(curve['axis'])} noenhanced",
    ]
    if name in LOGARITHMIC:
        lines.append("set logscale xy 2" if name == "prompts" else "set logscale x 2; set logscale y 10")
    if name == "threads":
        lines.append("set xtics 1")
    for i, points in enumerate(series.values()):
        lines.append(data_block(f"d{i}", points))
    for column, label in ((2, "seconds"), (3, "MB")):
        values = [point[column - 1] for points in series.values() for point in points]
        bottom, top = 0, 1.6 * max(values)  # room for the key
        if name in LOGARITHMIC:
            bottom, top = min(values) / 1.5, max(values) * (max(values) / min(values)) ** 0.4 * 1.2
        xs = [point[0] for points in series.values() for point in points]
        left, right = (min(xs) / 1.2, max(xs) * 1.2) if name in LOGARITHMIC else (0, 1.1 * max(xs))
        lines.append(f"set ylabel '{label}'; set yrange [{bottom}:{top}]; set xrange [{left}:{right}]")
        plots = [
            f"$d{i} using 1:{column} with linespoints lw 2 pt 7 ps 0.6 "
            f"lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(label)}"
            for i, label in enumerate(series)
        ]
        lines.append("plot " + ", ".join(plots))
    return "\n".join([*lines, "unset multiplot"]) + "\n"


def draw(curve, name, folder):
    """folder/performance_NAME.svg, or None where gnuplot is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"performance_{name}.svg"
    try:
        subprocess.run(["gnuplot"], input=script(curve, name, path), text=True, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no figure {path.name}: {getattr(error, 'stderr', '') or error}")
        return None
    return path
