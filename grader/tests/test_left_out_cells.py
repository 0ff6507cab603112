"""The course's experiments are left out while a submission is graded, unless it needs them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nexa_grade.cell_names import needed_names
from nexa_grade.execution.left_out_cells import EXPERIMENT, NOTE, left_out, read_experiments
from tiny_course import FULL, NAME, TinyCourse, cell_of


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("print(a)", {"print", "a"}),
        ("a = b", {"b"}),
        ("a = 1\nb = a", set()),
        ("a = f(a)", {"a", "f"}),
        ("a += 1", {"a"}),
        ("for a in b:\n    c = a", {"b"}),
        ("def f(a):\n    c = a\n    return b + c", {"b"}),
        ("def f():\n    def g():\n        return b\n    return g", {"b"}),
        ("[a for a in b if c]", {"b", "c"}),
        ("class A(B):\n    c = d\n    def e(self):\n        return f", {"B", "d", "f"}),
        ("def f():\n    global a\n    a += 1\n    return a", {"a"}),
        ("import a\na.b(c)", {"c"}),
        ("%time a", {"get_ipython"}),
        ("def f(", None),
        ("a = " + "-" * 900 + "1", None),
    ],
)
def test_what_a_cell_needs_from_others(source, names):
    assert needed_names(source) == names


def choose(*sources: str, experiments: frozenset[str]) -> set[int]:
    return left_out(new_notebook(cells=[new_code_cell(text) for text in sources]), experiments)


TRAIN, MEASURE = "policy = train()", "score = measure(policy)\nprint(score)"


def test_an_experiment_runs_where_a_cell_of_the_student_needs_it():
    texts = frozenset({TRAIN, MEASURE})
    mine = "def f(x):\n    return x"
    assert choose(mine, TRAIN, MEASURE, experiments=texts) == {1, 2}
    assert choose(mine, TRAIN, MEASURE, "print(policy)", experiments=texts) == {2}
    assert choose("def f():\n    return score", TRAIN, MEASURE, experiments=texts) == set()
    assert choose("def f(score):\n    return score", TRAIN, MEASURE, experiments=texts) == {1, 2}


def test_an_experiment_that_the_student_changed_runs():
    texts = frozenset({TRAIN, MEASURE})
    assert choose(TRAIN, MEASURE + "\nprint('mine')", experiments=texts) == set()
    assert choose(TRAIN + "\n\n", MEASURE, experiments=texts) == {0, 1}


def test_nothing_is_left_out_where_a_cell_cannot_be_read():
    assert choose("def f(", TRAIN, experiments=frozenset({TRAIN})) == set()


def test_where_there_is_no_release_everything_runs(tmp_path):
    assert read_experiments(tmp_path / "none.ipynb") == frozenset()


def test_only_the_tags_of_the_release_count(tmp_path):
    course = TinyCourse(tmp_path, forks_kernels=True)
    path = tmp_path / "release" / NAME / f"{NAME}.ipynb"
    cell_of(course.release, "look").metadata["tags"] = [EXPERIMENT]
    path.chmod(0o644)
    nbformat.write(course.release, path)
    changed = course.solved()
    cell_of(changed, "look").source = "print(SCALE + 1)"
    tagged = course.solved()
    cell_of(tagged, "add").metadata["tags"] = [EXPERIMENT]
    for name, notebook in {"plain": course.solved(), "changed": changed, "tagged": tagged}.items():
        course.submit(name, notebook)
    done = course.autograde()
    assert done.returncode == 0, done.stderr
    shown = {name: cell_of(course.graded(name), "look").outputs[0].text
             for name in ("plain", "changed", "tagged")}  # fmt: skip
    assert shown == {"plain": NOTE, "changed": "3\n", "tagged": NOTE}
    assert course.scores("tagged") == FULL
