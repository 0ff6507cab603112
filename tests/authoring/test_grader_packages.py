"""The student guides' list of the grading machine's packages."""

import pytest

from authoring.grader_packages import GUIDES, named_packages, read_versions, with_list, write_list


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.parent.name)
def test_the_guide_lists_what_the_grading_machine_has(guide):
    text = guide.read_text()
    assert with_list(text) == text, "run python -m authoring.grader_packages"


def test_the_list_has_what_the_course_imports_and_what_that_needs():
    listed = write_list()
    assert "torch 2." in listed
    for name in ("numpy", "matplotlib", "tqdm", "pandas"):
        assert f" {name}" in f" {listed}".replace("\n", " ")
    for name in ("google-colab", "pytest", "trl"):
        assert name not in listed


def test_names_are_normalized_and_versions_are_read_without_markers():
    assert read_versions("# a\nPyYAML==6.0\nast_serialize==0.1 ; python_version > '3'\n") == {
        "pyyaml": "6.0",
        "ast-serialize": "0.1",
    }
    project = "[project]\ndependencies=['A_b>=1']\n[project.optional-dependencies]\ncourse=['c']"
    assert named_packages(project) == ["a-b", "c"]


def test_a_guide_without_a_place_is_an_error():
    with pytest.raises(ValueError, match="expected <!-- packages"):
        with_list("# Guide")
