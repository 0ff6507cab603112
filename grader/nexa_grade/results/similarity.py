"""How alike students' answers are: a question for a person to look into, never a verdict.

An answer is a list of words: the tokens of Python code, without comments, docstrings, white space
and what the release gives. Names that the student chose count as one and the same, since a copy is
renamed first. Two answers are as alike as rapidfuzz finds: twice the longest common subsequence,
over the words of both. Short answers are alike by nature, so they are left out.
"""

import builtins
import io
import keyword
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

Line = tuple[str, ...]  # the tokens of a logical line of code, or the words of a line of text
Matrix = npt.NDArray[np.float64]

FEWEST_WORDS = 20  # of an answer that is compared
# Comparing takes the product of two lengths: a student must not make it take hours.
LONGEST_TEXT = 50_000  # characters
MOST_WORDS = 5_000
CHOSEN = "‹name›"  # stands for each name that the student chose
WORD = re.compile(r"\w+|[^\w\s]")
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
PYTHONS = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins)])


def code_lines(source: str) -> list[Line]:
    """Split code into logical lines of tokens; comments and docstrings are left out.

    Raises:
        SyntaxError: It is no Python.
        tokenize.TokenError: It ends too early.
    """
    lines: list[Line] = []
    line: list[str] = []
    is_only_text = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if line and not is_only_text:
                lines.append(tuple(line))
            line, is_only_text = [], True
        elif token.type == tokenize.ERRORTOKEN and token.string.strip():
            raise SyntaxError(f"unexpected {token.string!a}")
        elif token.type not in LAYOUT and token.string.strip():
            line.append(token.string)
            is_only_text = is_only_text and token.type == tokenize.STRING
    return lines


def text_lines(source: str) -> list[Line]:
    """Split text into lines of words and signs."""
    return [line for line in map(tuple, map(WORD.findall, source.splitlines())) if line]


def lines_of(source: str, is_code: bool) -> list[Line]:
    """Split an answer into lines; code that cannot be read as such is text."""
    source = source[:LONGEST_TEXT]
    if is_code:
        try:
            lines = code_lines(source)
        except (SyntaxError, tokenize.TokenError):
            lines = []
        if lines:
            return lines
    return text_lines(source)


@dataclass(frozen=True)
class Given:
    """What the release gives to everybody."""

    lines: frozenset[Line]
    names: frozenset[str]

    @classmethod
    def of(cls, cells: Iterable[tuple[str, bool]]) -> "Given":
        """Read the release.

        Args:
            cells: Each cell's source, and whether it is code.
        """
        lines = frozenset(line for source, code in cells for line in lines_of(source, code))
        return cls(lines, frozenset(word for line in lines for word in line if is_name(word)))


def is_name(word: str) -> bool:
    """Tell a name from a number, an operator and a string."""
    return word.isidentifier()


def words_of(source: str, is_code: bool, given: Given) -> list[str]:
    """Give the words of an answer that are the student's own.

    Args:
        source: The cell.
        is_code: Whether it is a code cell.
        given: What does not count.
    """
    words: list[str] = []
    for line in lines_of(source, is_code):
        if line not in given.lines:
            words += own_words(line, given) if is_code else line
    return words[:MOST_WORDS]


def own_words(line: Line, given: Given) -> Iterator[str]:
    """Make names that the student chose alike, and open strings: an essay can stand in one."""
    for before, word in zip(("", *line), line, strict=False):
        if is_name(word):
            is_known = before == "." or word in PYTHONS or word in given.names
            yield word if is_known else CHOSEN
        elif word[-1] in "'\"":
            yield from WORD.findall(word)
        else:
            yield word


@dataclass(frozen=True)
class Pair:
    """Two students, and how alike their answers are, from 0 to 1."""

    first: str
    second: str
    likeness: float
    by_question: dict[str, float]  # where both have an answer that is long enough


@dataclass(frozen=True)
class Likeness:
    """How alike the answers of a class are."""

    students: int  # with any answer that is long enough
    pairs: int
    median: float
    medians: dict[str, float]  # by question
    most_alike: list[Pair]
    most_alike_in: dict[str, Pair]  # by question


def compare_answers(
    answers: Mapping[str, Mapping[str, Sequence[str]]], most: int = 10, workers: int = -1
) -> Likeness | None:
    """Compare every student with every other one.

    The figure of a pair is the mean of its questions, weighted with the lengths of both answers. An
    answer that only one of them has counts as not alike at all.

    Args:
        answers: Words by question, by student.
        most: How many pairs to list.
        workers: Threads; -1 for one per core.

    Returns:
        What was found, the same for the same answers; None for fewer than two students.
    """
    long_enough = {
        student: {name: words for name, words in own.items() if len(words) >= FEWEST_WORDS}
        for student, own in sorted(answers.items())
    }
    students = [student for student, own in long_enough.items() if own]
    if len(students) < 2:
        return None
    by_question: dict[str, Matrix] = {}
    pairs = len(students) * (len(students) - 1) // 2
    alike, words = np.zeros(pairs), np.zeros(pairs)
    for question in names_in_order(answers.values()):
        texts = [long_enough[student].get(question, []) for student in students]
        by_question[question], weights = compare_texts(texts, workers)
        alike += weights * np.nan_to_num(by_question[question])
        words += weights
    return sum_up(students, alike / words, by_question, most)


def compare_texts(texts: Sequence[Sequence[str]], workers: int) -> tuple[Matrix, Matrix]:
    """Compare the answers to one question, every one with every other.

    Returns:
        One figure per pair, in the order of ``np.triu_indices``, NaN without two answers; and the
        words of both.
    """
    upper = np.triu_indices(len(texts), 1)
    codes = one_character_per_word(texts)
    found = process.cdist(codes, codes, scorer=fuzz.ratio, dtype=np.float64, workers=workers)
    lengths = np.array([len(text) for text in texts], dtype=float)
    both = (lengths[upper[0]] > 0) & (lengths[upper[1]] > 0)
    return np.where(both, found[upper] / 100, np.nan), lengths[upper[0]] + lengths[upper[1]]


def sum_up(
    students: Sequence[str], overall: Matrix, by_question: Mapping[str, Matrix], most: int
) -> Likeness:
    """Sum up one figure per pair, in all and by question: medians, and the pairs most alike."""
    upper = np.triu_indices(len(students), 1)

    def pair(index: np.intp) -> Pair:
        first, second = (students[rows[index]] for rows in upper)
        own = {name: float(values[index]) for name, values in by_question.items()}
        answered_by_both = {name: value for name, value in own.items() if not np.isnan(value)}
        return Pair(first, second, float(overall[index]), answered_by_both)

    answered = {name: values for name, values in by_question.items() if not np.isnan(values).all()}
    return Likeness(
        students=len(students),
        pairs=len(overall),
        median=float(np.median(overall)),
        medians={name: float(np.nanmedian(values)) for name, values in answered.items()},
        most_alike=[pair(index) for index in np.argsort(-overall, kind="stable")[:most]],
        most_alike_in={name: pair(np.nanargmax(values)) for name, values in answered.items()},
    )


def one_character_per_word(texts: Sequence[Sequence[str]]) -> list[str]:
    """Write each text as a string in which every word is one character.

    rapidfuzz is fast with the first 256 characters: the commonest words get these. Should there
    ever be more words than characters, the rarest share one.
    """
    counts = Counter(word for text in texts for word in text)
    code = {word: character(rank) for rank, (word, _) in enumerate(counts.most_common())}
    return ["".join(code[word] for word in text) for text in texts]


def character(rank: int) -> str:
    """Give a character by its place among all; surrogates are none."""
    return chr(min(rank if rank < 0xD800 else rank + 0x800, 0x10FFFF))


def names_in_order(answers: Iterable[Mapping[str, object]]) -> list[str]:
    """List the questions as they first come up."""
    return list(dict.fromkeys(name for own in answers for name in own))
