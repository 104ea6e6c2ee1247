"""The demonstration's page: what it shows, what it needs, and what it says of a failure."""

import dataclasses
import re

import pytest
from click.testing import CliRunner

import zoo
from zoo import index
from zoo.cli import main
from zoo.data import sources
from zoo.export import demo, forms, verify
from zoo.storage import weights

AUTOENCODERS = [e.full_name for e in weights.chosen() if e.spec.task == "autoencode"]


def page_of(folder, *arguments):
    """The page of a demonstration, and what the command ended with."""
    result = CliRunner().invoke(main, ["demo", *arguments, "--to", str(folder)])
    return (folder / demo.PAGE).read_text(encoding="utf-8"), result


def names_on(page: str) -> list[str]:
    return re.findall(r'<h2 id="([\w.]+)">', page)


@pytest.fixture
def without_sets(monkeypatch):
    def refuse(name, *_, **__):
        raise AssertionError(f"the demonstration asks for {name}")

    monkeypatch.setattr(sources, "load", refuse)


@pytest.fixture
def only_named(monkeypatch):
    """Sections that only name their entries."""

    def section(entry, folder, say):
        return {"name": index.short_name(entry), "entry": entry, "headline": "", "passed": True}

    monkeypatch.setattr(demo, "_section", section)


@pytest.mark.slow
def test_the_page_shows_pictures_and_checks_of_each_kind_of_name(tmp_path, without_sets):
    names = "cnn_fashion", "srcnn_small_x3", "mlp_gan_mnist"
    page, result = page_of(tmp_path / "ein Ordner für 図", *names)
    assert result.exit_code == 0, result.output
    assert names_on(page) == list(names)
    assert page.count("data:image/png;base64,") == 16 + 3 * 4 + 1
    assert "All is right: 3 names ran" in page and "<details>" in page
    assert "<details open>" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page needs another file"


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_an_autoencoders_real_pictures_are_those_of_its_golden(name, without_sets):
    shown = demo._shown(zoo.load(name))
    assert shown["sheet"].startswith("data:image/png") and shown["caption"]


def test_what_fails_has_a_section_that_says_why(tmp_path, monkeypatch, without_sets):
    monkeypatch.setattr(verify, "NET", dataclasses.replace(forms.NET, bound=-1.0))
    monkeypatch.setattr(demo, "restored", lambda *_: {}["no photograph"])
    page, result = page_of(tmp_path, "dncnn_tiny", "mlp_gan_mnist", "srcnn_x2")
    assert result.exit_code == 1
    assert names_on(page) == ["dncnn_tiny", "mlp_gan_mnist", "srcnn_x2"]
    assert "It failed: dncnn_tiny.test has no pretrained weights" in page
    assert "KeyError: &#39;no photograph&#39;" in page and "Traceback" not in page
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<details open>") == 1 and "net, golden" in page
    assert "Not all is right" in page


def test_by_default_each_family_shows_one_name(tmp_path, only_named):
    page, result = page_of(tmp_path)
    assert result.exit_code == 0, result.output
    families = [zoo.entry(name).family for name in names_on(page)]
    assert sorted(families) == sorted({entry.family for entry in weights.chosen()})


def test_all_names_with_weights_are_shown_on_demand(tmp_path, only_named):
    page, _ = page_of(tmp_path, "--all")
    assert names_on(page) == [index.short_name(entry) for entry in weights.chosen()]
    result = CliRunner().invoke(main, ["demo", "cnn_fashion", "--all", "--to", str(tmp_path)])
    assert result.exit_code == 1 and "expected names or --all" in result.output


def test_a_page_of_something_else_is_kept(tmp_path, only_named):
    (tmp_path / demo.PAGE).write_text("mine")
    page, result = page_of(tmp_path)
    assert result.exit_code == 1 and "would be lost" in result.output and page == "mine"


def test_a_page_that_was_broken_off_says_so(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_section", stop)
    page, _ = page_of(tmp_path, "cnn_fashion")
    assert "Not finished: 0 of 1 names" in page
