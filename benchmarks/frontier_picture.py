"""Draws what `frontier.py` measured: a panel a damage, on a card that is read in both themes."""

from pathlib import Path

import numpy as np

CARD, INK, SOFT, LINE = "#f7f7f5", "#22252b", "#6b7078", "#d9dad6"
COLOURS = {"ffdnet": "#0b62c4", "sesr": "#0b62c4", "dncnn": "#b3541e", "srcnn": "#7a4fa3"}
MARKS = {"float32": "o", "int8": "D", "": "s"}
TITLES = {
    "noise": "Gaussian noise, sigma {strength}",
    "bicubic": "Enlarged {strength} times",
}
COLUMNS = 3


def draw(figures: dict, path: Path) -> None:
    """Writes a PNG of all panels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = figures["panels"]
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    size = 4.2 * columns, 3.6 * rows + 0.5
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, facecolor=CARD)
    for ax, panel in zip(axes.flat, panels, strict=False):
        show(ax, panel)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    handles = [handle(pyplot, *one) for one in (("float32", "o"), ("int8", "D"))]
    axes[0][0].legend(handles=handles, loc="lower right", frameon=False, labelcolor=INK, fontsize=8)
    figure.text(0.012, 0.014, said(figures), color=SOFT, fontsize=8)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, facecolor=CARD)
    pyplot.close(figure)


def said(figures: dict) -> str:
    about, panel = figures["machine"], figures["panels"][0]
    side = figures["settings"]["size"]
    return (
        f"LiteRT {about['versions']['ai-edge-litert']}, {about['threads']} threads of "
        f"{about['cpu']}, {about['date'][:10]}; milliseconds for a result of {side}x{side}"
        f"{', colour where noisy' if panel['input'][-1] == 3 else ''}; up and left is better"
    )


def handle(pyplot, label: str, mark: str):
    style = {"linestyle": "", "color": INK, "markerfacecolor": INK if mark == "o" else CARD}
    return pyplot.Line2D([], [], marker=mark, label=label, **style)


def show(ax, panel: dict) -> None:
    kind, strength = panel["damage"].split(":")
    data = panel["data"].partition(":")[0]  # not where a folder is
    ax.set_facecolor(CARD)
    ax.set_title(
        f"{TITLES[kind].format(strength=strength)} · {data}, {panel['count']}",
        color=INK, fontsize=10, loc="left",
    )  # fmt: skip
    ax.set_xscale("log")
    for name, below in labels_below(panel["rows"]).items():
        points(ax, name, [row for row in panel["rows"] if row["name"] == name], below)
    step(ax, panel["rows"])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.margins(x=0.28, y=0.16)
    ax.grid(color=LINE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(colors=SOFT, which="both", labelsize=8)
    ax.set_xlabel("ms", color=SOFT, fontsize=8)
    ax.set_ylabel("PSNR, dB", color=SOFT, fontsize=8)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)


def labels_below(rows: list[dict]) -> dict[str, bool]:
    """Whether each name's label stands below its point: where one of a near point is above."""
    first = {row["name"]: row for row in reversed(rows)}
    high = 0.06 * np.ptp([row["psnr"] for row in rows])
    found: dict[str, bool] = {}
    for name, row in sorted(first.items(), key=lambda pair: pair[1]["median_ms"]):
        found[name] = any(
            row["median_ms"] < 8 * first[other]["median_ms"]
            and abs(row["psnr"] - first[other]["psnr"]) < high
            for other, below in found.items()
            if not below
        )
    return found


def points(ax, name: str, rows: list[dict], below: bool) -> None:
    """A name's files, joined; its label at the first."""
    colour = COLOURS.get(name.partition("_")[0], SOFT)
    across, up = [[row[key] for row in rows] for key in ("median_ms", "psnr")]
    ax.plot(across, up, color=colour, linewidth=1, alpha=0.5, zorder=2)
    for row in rows:
        face = CARD if row["form"] == "int8" else colour
        style = {"marker": MARKS[row["form"]], "markersize": 5.5, "markerfacecolor": face}
        ax.plot(row["median_ms"], row["psnr"], color=colour, zorder=3, **style)
    offset = {"xytext": (6, -11 if below else 4), "textcoords": "offset points"}
    ax.annotate(name, (across[0], up[0]), color=colour, fontsize=8, zorder=4, **offset)


def step(ax, rows: list[dict]) -> None:
    """The frontier: what nothing else is both better and faster than."""
    best, found = float("-inf"), []
    for row in sorted(rows, key=lambda row: row["median_ms"]):
        if row["psnr"] > best:
            best = row["psnr"]
            found.append((row["median_ms"], best))
    ax.step(*zip(*found, strict=True), where="post", color=SOFT, linewidth=0.8, linestyle=":")
