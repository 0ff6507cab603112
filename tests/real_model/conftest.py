"""The bank of the third assignment, chosen as the first one's is."""

import pytest

from authoring.answer_bank import QuickGrader
from authoring.assignment import REAL_MODEL
from authoring.changed_answers import choose_answers


def pytest_generate_tests(metafunc):
    if "real_model_answer" in metafunc.fixturenames:
        answers = choose_answers(REAL_MODEL, metafunc.config.getoption("--bank"))
        ids = [answer.name.replace(" ", "-") for answer in answers]
        metafunc.parametrize("real_model_answer", answers, ids=ids)


@pytest.fixture(scope="session")
def real_model_grader():
    """The notebook's definitions and reference answers, ready to grade answers of the bank."""
    return QuickGrader(REAL_MODEL)
