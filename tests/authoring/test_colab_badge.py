"""The Colab badge: there with an address, not there without one, and never a dead link."""

import pytest

from authoring.colab_badge import ROOT, refresh_badge, write_badge

EMPTY = "# Title\n\n<!-- colab badge: begin -->\n<!-- colab badge: end -->\n\nText\n"
ADDRESS = "a-school/nexacode-student/blob/main/nexacode/nexacode.ipynb"


def test_without_an_address_there_is_no_badge_and_with_one_there_is_one():
    with_badge = write_badge(EMPTY, ADDRESS)
    assert with_badge.count(f"https://colab.research.google.com/github/{ADDRESS})") == 1
    assert write_badge(with_badge, ADDRESS) == with_badge
    assert write_badge(with_badge, "") == EMPTY == write_badge(EMPTY, "")


@pytest.mark.parametrize("address", ["https://github.com/a/b", "a/b", "a/b/blob/main/x.ipynb)("])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(ValueError, match="colab: expected owner/repository/blob"):
        write_badge(EMPTY, address)


def test_a_readme_without_the_place_is_refused():
    with pytest.raises(ValueError, match="expected a line <!-- colab badge: begin -->"):
        write_badge("# Title\n", ADDRESS)


def test_the_readme_has_the_badge_of_the_address_that_is_set(tmp_path):
    for name in ("README.md", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    refresh_badge(tmp_path)
    assert (tmp_path / "README.md").read_text() == (ROOT / "README.md").read_text()
