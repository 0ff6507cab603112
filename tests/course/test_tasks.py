"""The world of code: tasks, styles, answers that do what they say, and reading any text."""

import json
import re
import shutil
import subprocess
from dataclasses import asdict, replace

import pytest

from nexa_helpers.tasks import (
    FEATURES,
    NOUNS,
    OPERATIONS,
    STYLES,
    TASKS,
    Style,
    Task,
    comply,
    is_right,
    read_response,
    write_response,
)

ALL_TASKS = TASKS["train"] + TASKS["test"]
SORT = next(task for task in ALL_TASKS if (task.operation.verb, task.noun) == ("sort", "prices"))
LANGUAGES = FEATURES["language"]

# Worked out by hand: what each operation makes of these two lists.
INPUTS = ([3, 1, 2], [4, 10, -2, 7, 4, 6])
RESULTS = {
    "reverse": ([2, 1, 3], [6, 4, 7, -2, 10, 4]),
    "sort": ([1, 2, 3], [-2, 4, 4, 6, 7, 10]),
    "sum": (6, 29),
    "count": (3, 6),
    "first": (3, 4),
    "last": (2, 6),
    "largest": (3, 10),
    "smallest": (1, -2),
    "unique": ([3, 1, 2], [4, 10, -2, 7, 6]),
    "double": ([6, 2, 4], [8, 20, -4, 14, 8, 12]),
    "square": ([9, 1, 4], [16, 100, 4, 49, 16, 36]),
    "negate": ([-3, -1, -2], [-4, -10, 2, -7, -4, -6]),
    "increase": ([4, 2, 3], [5, 11, -1, 8, 5, 7]),
    "even": ([2], [4, 10, -2, 4, 6]),
    "odd": ([3, 1], [7]),
    "positive": ([3, 1, 2], [4, 10, 7, 4, 6]),
}

RIGHT = "def sort_prices(prices):\n    return sorted(prices)"
RIGHT_JAVASCRIPT = "function sort_prices(prices) {\n  return [...prices].sort((a, b) => a - b);\n}"


def code_of(response):
    """The lines between the fences."""
    return response.split("```")[1].split("\n", 1)[1]


def name_in(response):
    return re.search(r"(?:def|function) (\w+)\(", response)[1]


def solves_sort(text):
    reading = read_response(text)
    return reading is not None and is_right(SORT, reading)


# Tasks


def test_every_operation_meets_every_noun_in_exactly_one_split():
    pairs = [(task.operation.verb, task.noun) for task in ALL_TASKS]
    assert len(OPERATIONS) == 16
    assert len(NOUNS) == 20
    assert len(pairs) == len(set(pairs)) == 320
    assert (len(TASKS["train"]), len(TASKS["test"])) == (280, 40)


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_split_has_every_operation_and_every_noun(split):
    assert {task.operation.verb for task in TASKS[split]} == set(RESULTS)
    assert {task.noun for task in TASKS[split]} == set(NOUNS)


def test_no_two_tasks_are_asked_for_in_the_same_words():
    goals = [goal.format(xs=task.noun) for task in ALL_TASKS for goal in task.operation.goals]
    assert len(set(goals)) == len(goals) == 640
    assert not [(a, b) for a in goals for b in goals if a != b and a in b]


# Styles


def test_there_are_64_styles():
    assert len(set(STYLES)) == 64


@pytest.mark.parametrize("style", STYLES)
def test_a_style_complies_with_a_wish_and_keeps_the_rest(style):
    for feature, values in FEATURES.items():
        for wish in values:
            assert asdict(comply(style, wish)) == {**asdict(style), feature: wish}


@pytest.mark.parametrize("wish", ["content", None])
def test_what_is_no_wish_about_style_changes_no_style(wish):
    assert all(comply(style, wish) == style for style in STYLES)


# Writing


def test_the_plainest_python_answer():
    assert write_response(SORT, Style()) == f"```python\n{RIGHT}\n```"


def test_the_fullest_python_answer():
    style = Style("python", "camelCase", "typed", "documented", "tested", "explained")
    assert write_response(SORT, style) == (
        "```python\n"
        "def sortPrices(prices: list):\n"
        '    """Sort the prices."""\n'
        "    return sorted(prices)\n"
        "\n"
        "assert sortPrices([3, 1, 2]) == [1, 2, 3]\n"
        "```\n"
        f"It {SORT.operation.reason}."
    )


def test_the_plainest_javascript_answer():
    assert write_response(SORT, Style("javascript")) == f"```javascript\n{RIGHT_JAVASCRIPT}\n```"


def test_the_fullest_javascript_answer():
    style = Style("javascript", "camelCase", "typed", "documented", "tested", "explained")
    assert write_response(SORT, style) == (
        "```javascript\n"
        "/** Sort the prices. */\n"
        "function sortPrices(prices: number[]) {\n"
        "  return [...prices].sort((a, b) => a - b);\n"
        "}\n"
        "\n"
        'console.assert(sortPrices([3, 1, 2]) == "1,2,3");\n'
        "```\n"
        f"It {SORT.operation.reason}."
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.verb)
def test_python_answers_do_what_they_say(operation):
    for style in STYLES:
        if style.language == "python":
            response = write_response(Task(operation, "prices"), style)
            names = {}
            exec(code_of(response), names)  # where the style is tested, its assert runs
            results = tuple(names[name_in(response)](list(numbers)) for numbers in INPUTS)
            assert results == RESULTS[operation.verb]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.verb)
def test_the_assert_of_a_python_answer_fails_where_the_code_is_wrong(operation):
    response = write_response(Task(operation, "prices"), Style(tests="tested"))
    broken = re.sub(r"return .*", "return None", code_of(response))
    with pytest.raises(AssertionError):
        exec(broken, {})


@pytest.fixture(scope="module")
def run_in_node():
    """Run (name, code) pairs in one node process: a list of [results] or [message] a pair."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: JavaScript answers are not run")

    def run(snippets):
        lines = [
            "console.assert = (ok) => { if (!ok) throw new Error('the assert fails'); };",
            "const report = [];",
        ]
        for name, code in snippets:
            calls = ", ".join(f"{name}({json.dumps(numbers)})" for numbers in INPUTS)
            lines += ["try { (() => {", code, f"report.push([{calls}]);", "})(); }"]
            lines += ["catch (error) { report.push([error.message]); }"]
        lines.append("process.stdout.write(JSON.stringify(report));")
        done = subprocess.run(
            [node, "-"], input="\n".join(lines), capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return run


def test_javascript_answers_do_what_they_say(run_in_node):
    # The typed answers are TypeScript: node runs them without the type.
    styles = [style for style in STYLES if style.language == "javascript"]
    cases = [(operation, style) for operation in OPERATIONS for style in styles]
    snippets = []
    for operation, style in cases:
        response = write_response(Task(operation, "prices"), style)
        code = code_of(response).replace(": number[]", "")
        snippets.append((name_in(response), code))
    report = run_in_node(snippets)
    assert len(report) == len(cases) == 16 * 32
    for (operation, _), results in zip(cases, report, strict=True):
        assert results == list(RESULTS[operation.verb]), operation.verb


def test_the_assert_of_a_javascript_answer_fails_where_the_code_is_wrong(run_in_node):
    style = Style("javascript", tests="tested")
    snippets = []
    for operation in OPERATIONS:
        response = write_response(Task(operation, "prices"), style)
        broken = re.sub(r"return .*;", 'return "broken";', code_of(response))
        snippets.append((name_in(response), broken))
    assert run_in_node(snippets) == [["the assert fails"]] * len(OPERATIONS)


# Reading what was written


@pytest.mark.parametrize("style", STYLES)
def test_reading_undoes_writing(style):
    for task in ALL_TASKS:
        reading = read_response(write_response(task, style))
        assert reading.style == asdict(style)
        assert is_right(task, reading)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_is_wrong_for_every_other_task(language):
    for task in ALL_TASKS:
        reading = read_response(write_response(task, Style(language)))
        for other in ALL_TASKS:
            if (other.operation == task.operation) != (other.noun == task.noun):
                assert not is_right(other, reading)  # the rest differs in both


@pytest.mark.parametrize("language", LANGUAGES)
def test_name_and_line_must_both_be_right(language):
    response = write_response(SORT, Style(language))
    assert solves_sort(response)
    assert not solves_sort(response.replace("sort_prices", "reverse_prices"))
    assert not solves_sort(response.replace("sort_prices", "sort_scores"))
    assert not solves_sort(re.sub(r"return [^;\n]*", "return prices", response))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("argument", ["xs", "values", "the_list", "s"])
def test_the_argument_may_have_any_name(language, argument):
    for operation in OPERATIONS:
        task = Task(operation, "prices")
        response = write_response(task, Style(language, tests="tested"))
        renamed = re.sub(r"\bprices\b", argument, response)
        assert renamed != response
        assert is_right(task, read_response(renamed))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_name_for_the_argument_alone_breaks_the_answer(language):
    response = write_response(SORT, Style(language))
    assert not solves_sort(response.replace("(prices)", "(values)", 1))


def test_spaces_and_one_line_do_not_matter_in_python():
    assert solves_sort("def sort_prices( prices ): return sorted( prices )")


# Reading any text: labels are not trusted


@pytest.mark.parametrize("label", ["python", "javascript", "js", "Python3", ""])
@pytest.mark.parametrize(
    ("code", "language"), [(RIGHT, "python"), (RIGHT_JAVASCRIPT, "javascript")], ids=LANGUAGES
)
def test_the_code_tells_the_language_and_the_label_does_not(code, language, label):
    text = f"```{label}\n{code}\n```"
    assert read_response(text).style["language"] == language
    assert solves_sort(text)


@pytest.mark.parametrize("code", [RIGHT, RIGHT_JAVASCRIPT], ids=LANGUAGES)
def test_code_without_a_fence_is_read(code):
    assert solves_sort(code)
    assert read_response(code).style["length"] == "brief"


@pytest.mark.parametrize("code", [RIGHT, RIGHT_JAVASCRIPT], ids=LANGUAGES)
def test_white_space_around_an_answer_does_not_matter(code):
    for text in (code, f"```\n{code}\n```"):
        assert read_response(f" \n\n{text}\n\t\n") == read_response(text)
        assert solves_sort(f" \n\n{text}\n\t\n")


@pytest.mark.parametrize(
    ("name", "naming"),
    [
        ("sort_prices", "snake_case"),
        ("sortPrices", "camelCase"),
        ("sortprices", "other"),  # no underscore, no capital
        ("sort_Prices", "other"),  # both
    ],
)
@pytest.mark.parametrize("code", [RIGHT, RIGHT_JAVASCRIPT], ids=LANGUAGES)
def test_the_name_tells_the_naming(code, name, naming):
    text = code.replace("sort_prices", name)
    assert read_response(text).style["naming"] == naming
    assert solves_sort(text)


@pytest.mark.parametrize(
    ("text", "feature", "value"),
    [
        (RIGHT.replace("(prices):", "(prices: 'of any type'):"), "types", "typed"),
        (RIGHT_JAVASCRIPT.replace("(prices) {", "(prices: any) {"), "types", "typed"),
        (RIGHT.replace(":\n", ':\n    """"""\n'), "docs", "undocumented"),  # an empty docstring
        (f"# Sort the prices.\n{RIGHT}", "docs", "undocumented"),  # a comment is no docstring
        (f"{RIGHT}\nassert sort_prices([5]) == [5]", "tests", "tested"),
        (f"{RIGHT}\n\nassert sort_prices([2]) == [2]\nassert sort_prices([]) == []", "tests",
         "tested"),
        (f"```\n{RIGHT}\n```\n  \n", "length", "brief"),  # white space explains nothing
        (f"```\n{RIGHT}\n``` See above.", "length", "explained"),
    ],
)  # fmt: skip
def test_small_things_that_make_the_style(text, feature, value):
    assert read_response(text).style[feature] == value
    assert solves_sort(text)


# Reading any text: nothing breaks, nothing runs


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\n",
        "def",
        "def ",
        "I do not know.",
        "sorted(prices)",
        "sort_prices = sorted",
        "```",
        "```python\n```",
        "```python\n\n```",
        f"```python\n{RIGHT}",  # an unclosed fence
        f"{RIGHT}\n```",
        f"{RIGHT}\n\n{RIGHT}",  # two functions
        f"{RIGHT}\n\ndef other(xs):\n    return xs",
        f"import math\n{RIGHT}",
        f"{RIGHT}\nprint(sort_prices([1]))",
        f"{RIGHT}\n\nassert other_prices([1]) == [1]",  # a test of another function
        f"{RIGHT}\n\nassert True",
        f"{RIGHT}\n\nassert sort_prices([1])\nassert other_prices([1])",
        f"async {RIGHT}",
        "def sort_prices():\n    return sorted(prices)",
        "def sort_prices(prices, scores):\n    return sorted(prices)",
        "def sort_prices(*prices):\n    return sorted(prices)",
        "def sort_prices(prices):\n    sorted(prices)",
        "def sort_prices(prices):\n    return",
        "def sort_prices(prices):\n    return sorted(prices)\n    print(prices)",
        "class SortPrices:\n    def sort_prices(prices):\n        return sorted(prices)",
        f"{RIGHT_JAVASCRIPT}\n\n{RIGHT_JAVASCRIPT}",
        f"{RIGHT_JAVASCRIPT}\nalert(1);",
        f"{RIGHT_JAVASCRIPT}\n\nconsole.assert(otherPrices([1]) == 1);",
        RIGHT_JAVASCRIPT.replace("(prices) {", "() {"),
        RIGHT_JAVASCRIPT.replace("(prices) {", "(prices, scores) {"),
        RIGHT_JAVASCRIPT.replace("  return", "  alert(1);\n  return"),
        RIGHT_JAVASCRIPT.removesuffix("}"),
        "(" * 10_000,
        "-" * 10_000 + "1",
        "def sort_prices(prices):\n    return " + "(" * 10_000,
        "def sort_prices(prices):\n    return " + "[" * 10_000 + "]" * 10_000,
        "\0",
        f"{RIGHT}\0",
        "\ud800",  # half of a surrogate pair
        f"{RIGHT} # \ud800",
        "`" * 10_000,
        "```\n" * 10_000,
        "word " * 100_000,
        "def sort_prices(prices):\n\treturn (\n        sorted(prices)",
    ],
    ids=lambda text: repr(text[-30:]),
)
def test_text_that_is_not_one_function_cannot_be_read(text):
    assert read_response(text) is None


def test_a_very_long_line_can_be_read():
    text = RIGHT.replace("sorted(prices)", f"sorted({'prices' * 100_000})")
    assert read_response(text).name == "sort_prices"
    assert not solves_sort(text)


def test_odd_escapes_in_sampled_text_cause_no_warning():
    text = RIGHT.replace("sorted(prices)", r"'\d'")  # warnings are errors here
    assert read_response(text).name == "sort_prices"


def test_reading_never_runs_the_code(tmp_path):
    path = tmp_path / "made_by_the_answer"
    opened = f"open({str(path)!r}, 'w')"
    for text in (
        opened,
        f"{RIGHT}\n\nassert sort_prices({opened})",
        RIGHT.replace("sorted(prices)", opened),
        RIGHT.replace("(prices):", f"(prices: {opened}):"),
        RIGHT.replace("(prices):", f"(prices={opened}):"),
    ):
        reading = read_response(text)
        if reading is not None:
            is_right(SORT, reading)
        assert not path.exists()


@pytest.mark.parametrize("line", ["1 / 0", "undefined_name", "exit()"])
def test_code_that_would_fail_or_stop_python_is_only_read(line):
    assert read_response(RIGHT.replace("sorted(prices)", line)).expression == line
    assert read_response(f"{RIGHT}\n\nassert sort_prices({line})").style["tests"] == "tested"


def test_a_reading_tells_the_line_with_the_argument_called_xs():
    assert read_response(RIGHT).expression == "sorted(xs)"
    assert read_response(RIGHT_JAVASCRIPT).expression == "[...xs].sort((a, b) => a - b)"


def test_a_task_tells_its_line_in_each_language():
    assert SORT.expression("python") == "sorted(prices)"
    assert replace(SORT, noun="ages").expression("javascript") == "[...ages].sort((a, b) => a - b)"


# Text that looks right and is not.


@pytest.mark.parametrize(
    "text",
    [
        RIGHT.replace("sorted(prices)", "sorted(xs)"),  # no such name
        RIGHT_JAVASCRIPT.replace("...prices", "...xs"),
        RIGHT.replace("(prices):", "(prices, *, key):"),  # cannot be called with one list
        RIGHT.replace("(prices):", "(key, /, prices):"),
        RIGHT.replace("    return", "    prices = []\n    return"),
        RIGHT.replace("    return", "    return 0\n    return"),
        RIGHT.replace("    return", "    raise ValueError\n    return"),
        f"@print\n{RIGHT}",
    ],
    ids=lambda text: repr(text[:50]),
)
def test_code_that_looks_right_and_is_not_is_wrong(text):
    assert not solves_sort(text)


@pytest.mark.parametrize("test", ["assert unsort_prices([1])", "assert 'sort_prices('"])
def test_a_test_must_call_the_function(test):
    reading = read_response(f"{RIGHT}\n\n{test}")
    assert reading is None or reading.style["tests"] == "untested"


@pytest.mark.parametrize(
    "line",
    ["1" + " + 1" * 500, "prices" + ".real" * 500, "not " * 500 + "prices", "0x" + "f" * 5000],
    ids=lambda line: line[:10],
)
def test_a_line_that_is_too_deep_or_too_large_is_wrong(line):
    assert not solves_sort(RIGHT.replace("sorted(prices)", line))
    read_response(f"{RIGHT}\n\nassert sort_prices({line})")  # without an error
