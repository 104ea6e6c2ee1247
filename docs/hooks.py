"""What the documentation shows of the repository without a copy in `docs`: cards with their
pictures, notes that lie beside their code, and the package as the API reference reads it."""

import configparser
import json
import re
import shutil
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {
    "export/android/README.md": "phone/android.md",
    "export/ios/README.md": "phone/ios.md",
    "benchmarks/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""A page of the repository -> where it stands in the documentation."""
_LINK = re.compile(r"(?<!!)\[([^\]\n]*(?:\n[^\]\n]*)?)\]\((?!https?:|#|mailto:)([^)\s]+)\)")


def on_startup(command, dirty):
    """Gives the reference a package `zoo` with `zoo/export` inside, as an installation has it:
    now, for the plugin asks at its configuration whether that folder is there."""
    package = ROOT / "build" / "api" / "zoo"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for path in [*(ROOT / "zoo").iterdir(), ROOT / "export"]:
        (package / path.name).symlink_to(path)
    door = (package / "__init__.py").read_text(encoding="utf-8")
    (package / "__init__.py").unlink()
    # the function called as the package that it is in, which a reader of sources cannot tell apart
    (package / "__init__.py").write_text(re.sub(r".* import export as export\n", "", door), "utf-8")


def on_config(config):
    """Links lead to the repository where its address is known."""
    if address := _address():
        config.site_url, config.repo_url = address, address
    return config


def on_files(files, config):
    """Adds the cards, their list, the list of the notebooks, and the pages of the repository."""
    cards = sorted((ROOT / "zoo" / "pretrained").glob("*/*/CARD.md"))
    for source, target in PAGES.items():
        _add(files, config, target, _page(source, (ROOT / source).read_text(encoding="utf-8")))
    for card in cards:
        _add_card(files, config, card)
    _add(files, config, "cards/index.md", _list(cards))
    _add(files, config, "notebooks.md", _notebooks())
    return files


def on_page_markdown(markdown, page, config, files):
    """Each name that heads a row of a table leads to its card."""
    if page.file.src_uri != "figures.md":
        return markdown
    return re.sub(r"^\| `([\w.]+)`", lambda m: f"| [`{m[1]}`](cards/{_card_of(m[1])})", markdown,
                  flags=re.M)  # fmt: skip


def _address() -> str:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return settings["metadata"]["url"]


def _add(files: Files, config, target: str, content: str | bytes) -> None:
    files.append(File.generated(config, target, content=content))


def _add_card(files: Files, config, card: Path) -> None:
    name = f"{card.parents[1].name}.{card.parent.name}"
    text = card.read_text(encoding="utf-8").replace("(preview.webp)", f"({name}.webp)")
    _add(files, config, f"cards/{name}.md", text)
    preview = card.with_name("preview.webp")
    if preview.is_file():
        _add(files, config, f"cards/{name}.webp", preview.read_bytes())


def _list(cards: list[Path]) -> str:
    rows = [f"| [`{c.parents[1].name}.{c.parent.name}`]({c.parents[1].name}.{c.parent.name}.md) | "
            f"{c.read_text(encoding='utf-8').splitlines()[2]} |" for c in cards]  # fmt: skip
    return "\n".join(["# Cards", "", "A page a name: figures, files, times, limits, licences.", "",
                      "| name | |", "| --- | --- |", *rows, ""])  # fmt: skip


def _notebooks() -> str:
    """What each is called, and the minutes that `notebooks/build.py --time` measured."""
    folder = ROOT / "notebooks"
    measured = folder / "times.json"
    times = json.loads(measured.read_text(encoding="utf-8")) if measured.is_file() else {}
    rows = []
    for script in sorted((folder / "src").glob("*.py")):
        title = script.read_text(encoding="utf-8").splitlines()[1].removeprefix("# # ")
        rows.append(f"| `{script.stem}.ipynb` | {title} | {times.get(script.stem, '')} |")
    text = ("In the folder `notebooks`; each runs as it stands, in Colab, too. Minutes are on two "
            "processor cores, rounded up; empty: not measured.")  # fmt: skip
    return "\n".join(["# Notebooks", "", text, "", "| | | minutes |", "| --- | --- | --- |",
                      *rows, ""])  # fmt: skip


def _card_of(name: str) -> str:
    family, _, tag = name.partition(".")
    found = sorted((ROOT / "zoo" / "pretrained" / family).glob(f"{tag or '*'}/CARD.md"))
    from zoo import index

    return f"{family}.{tag or index.entry(family).tag}.md" if found else "index.md"


def _page(source: str, text: str) -> str:
    """Its links to other pages lead there; what the documentation does not have is named only."""

    def link(match) -> str:
        path, _, anchor = match[2].partition("#")
        there = _resolved(PurePosixPath(source).parent / path)
        inside = PAGES.get(there, there.removeprefix("docs/") if "docs/" in there else "")
        if not inside:
            return match[1]
        up = "../" * (PAGES[source].count("/"))
        return f"[{match[1]}]({up}{inside}{'#' + anchor if anchor else ''})"

    return _LINK.sub(link, text)


def _resolved(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)
