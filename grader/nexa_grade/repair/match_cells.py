"""Finding, for each released cell, the submitted cell that stands for it, and the right order.

A cell is known by nbgrader's grade id; else by its notebook cell id (Colab keeps that in the
metadata); else by what only this cell holds: a test's text, or the name that a solution defines;
else, for an answer in prose, by its place beside a cell that is known. Nothing is changed here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from nexa_grade.cell_names import names_in_broken_text
from nexa_grade.repair.release import ReleasedCell, plain_text

SOLUTION_WEIGHT = 4  # rather than a student's own cell, move the tests that follow it


@dataclass(frozen=True)
class SubmittedCell:
    """What tells which released cell a submitted one is."""

    cell_type: str
    grade_id: str
    cell_ids: frozenset[str]
    text: str
    names: frozenset[str]


@dataclass
class Match:
    """Which submitted cell is which; cells are given by their place in the submission."""

    chosen: dict[str, int] = field(default_factory=dict)  # by grade id
    copies: dict[int, str] = field(default_factory=dict)  # grade id of what they are copies of
    plain: dict[int, int] = field(default_factory=dict)  # released cells without grade id: rank

    def is_free(self, place: int) -> bool:
        """Tell a cell that no released cell is known by."""
        return place not in self.plain and place not in self.chosen.values()

    def choose(self, grade_id: str, best: int, places: Sequence[int]) -> None:
        """Take one of several places for a released cell; the others are copies of it."""
        self.chosen[grade_id] = best
        self.copies.pop(best, None)
        for other in places:
            if other != best:
                self.copies.setdefault(other, grade_id)


def grade_id_of(cell: NotebookNode) -> str:
    """Read a grade id that a student may have changed to anything; "" for none."""
    info = cell.metadata.get("nbgrader")
    grade_id = info.get("grade_id") if isinstance(info, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def look_at(cell: NotebookNode) -> SubmittedCell:
    """Collect what tells which released cell this is."""
    ids = (cell.get("id"), cell.metadata.get("id"))
    return SubmittedCell(
        cell.cell_type,
        grade_id_of(cell),
        frozenset(cell_id for cell_id in ids if cell_id and isinstance(cell_id, str)),
        plain_text(cell.source),
        names_in_broken_text(cell.source),
    )


def match_plain(
    submitted: Sequence[SubmittedCell], released: Sequence[ReleasedCell]
) -> dict[int, int]:
    """Find released cells that nbgrader does not watch: they show where other cells belong."""
    watched = {cell.grade_id for cell in released if cell.grade_id}
    ranks = [rank for rank, cell in enumerate(released) if not cell.grade_id]
    by_id = {released[rank].cell_id: rank for rank in ranks}
    by_text = {plain_text(released[rank].source): rank for rank in ranks}
    found = {}
    for place, cell in enumerate(submitted):
        rank = next((by_id[cell_id] for cell_id in cell.cell_ids if cell_id in by_id), None)
        if rank is None and cell.text:
            rank = by_text.get(cell.text)
        if rank is not None and cell.grade_id not in watched:
            found[place] = rank
    return found


def choose(
    cell: ReleasedCell, submitted: Sequence[SubmittedCell], places: list[int], after: int
) -> int:
    """Choose among several cells that could be the same released one.

    Of a solution's copies the last one with work in it counts; of any other cell, the first
    unchanged one after ``after``, where the released cell before it was found.
    """

    def merit(place: int) -> tuple[bool, bool, bool, int]:
        copy = submitted[place]
        has_work = bool(copy.text) and copy.text not in cell.texts
        return has_work, bool(copy.names & cell.names), copy.cell_type == cell.cell_type, place

    if cell.is_solution:
        return max(places, key=merit)
    unchanged = [place for place in places if submitted[place].text in cell.texts] or places
    return next((place for place in unchanged if place > after), unchanged[-1])


Evidence = Callable[[SubmittedCell, ReleasedCell], bool]  # does this cell stand for that one?


def same_grade_id(cell: SubmittedCell, released: ReleasedCell) -> bool:
    """Tell a cell by nbgrader's grade id."""
    return cell.grade_id == released.grade_id


def same_cell_id(cell: SubmittedCell, released: ReleasedCell) -> bool:
    """Tell a cell by its notebook cell id."""
    return released.cell_id in cell.cell_ids


def kinds_of_evidence(watched: Sequence[ReleasedCell]) -> list[Evidence]:
    """List what tells the watched cells of a release, the surest first."""
    texts = Counter(text for cell in watched for text in cell.texts)
    names = Counter(name for cell in watched for name in cell.names)

    def same_content(cell: SubmittedCell, released: ReleasedCell) -> bool:
        is_known = cell.text in released.texts and texts[cell.text] == 1
        return is_known or any(names[name] == 1 for name in cell.names & released.names)

    def is_another(cell: SubmittedCell, released: ReleasedCell) -> bool:
        defines_another = not cell.names.isdisjoint(names)
        return bool(released.names) and not cell.names & released.names and defines_another

    return [
        lambda cell, released: same_grade_id(cell, released) and not is_another(cell, released),
        lambda cell, released: same_cell_id(cell, released) and not is_another(cell, released),
        same_content,
        same_grade_id,
        same_cell_id,
    ]


def match(submitted: Sequence[SubmittedCell], released: Sequence[ReleasedCell]) -> Match:
    """Match a submission with the release; cells that are in neither result are the student's."""
    watched = [cell for cell in released if cell.grade_id]
    result = Match(plain=match_plain(submitted, released))
    for tells in kinds_of_evidence(watched):
        match_by_evidence(tells, submitted, watched, result)
    match_by_place(submitted, released, result)
    return result


def match_by_evidence(
    tells: Evidence,
    submitted: Sequence[SubmittedCell],
    watched: Sequence[ReleasedCell],
    result: Match,
) -> None:
    """Match the watched cells that are not known yet by one kind of evidence."""
    after = -1
    for cell in watched:
        if cell.grade_id not in result.chosen:
            free = filter(result.is_free, range(len(submitted)))
            places = [place for place in free if tells(submitted[place], cell)]
            if places:
                result.choose(cell.grade_id, choose(cell, submitted, places, after), places)
        after = result.chosen.get(cell.grade_id, after)


def match_by_place(
    submitted: Sequence[SubmittedCell], released: Sequence[ReleasedCell], result: Match
) -> None:
    """Match answers that nothing else tells: a cell of the right type beside a known one."""
    known = {rank: place for place, rank in result.plain.items()}
    for rank, cell in enumerate(released):
        if cell.grade_id in result.chosen:
            known[rank] = result.chosen[cell.grade_id]
    for rank, cell in enumerate(released):
        if not cell.is_solution or cell.grade_id in result.chosen:
            continue
        beside = [known[rank - 1] + 1] if rank - 1 in known else []
        beside += [known[rank + 1] - 1] if rank + 1 in known else []
        for place in beside:
            is_there = 0 <= place < len(submitted) and place not in result.copies
            if is_there and result.is_free(place) and submitted[place].cell_type == cell.cell_type:
                result.chosen[cell.grade_id] = known[rank] = place
                break


def heaviest_in_order(ranks: Sequence[int], weights: Sequence[int]) -> set[int]:
    """Find the heaviest part of a sequence that is in rising order.

    Returns:
        The ranks in it: what can stay while the rest is moved.
    """
    best: list[
        tuple[int, int | None]
    ] = []  # weight of the best part that ends here; the one before
    for i, rank in enumerate(ranks):
        earlier = [j for j in range(i) if ranks[j] < rank]
        before = max(earlier, key=lambda j: best[j][0], default=None)
        best.append((weights[i] + (best[before][0] if before is not None else 0), before))
    end = max(range(len(best)), key=lambda i: best[i][0], default=None)
    kept = set()
    while end is not None:
        kept.add(ranks[end])
        end = best[end][1]
    return kept


@dataclass(frozen=True)
class Placed:
    """A cell on its way into the repaired notebook."""

    node: NotebookNode
    rank: int | None  # in the release; None for a student's own cell
    is_watched: bool = False


def insert(cells: list[Placed], new: Placed) -> None:
    """Put a released cell back between its released neighbours, behind the student's own cells.

    A test then runs after whatever helpers the student wrote before the next released cell.
    """
    assert new.rank is not None
    earlier = [
        place
        for place, cell in enumerate(cells)
        if cell.is_watched and cell.rank is not None and cell.rank < new.rank
    ]
    first = max(earlier, default=-1) + 1
    later = (
        place
        for place in range(first, len(cells))
        if cells[place].is_watched or (cells[place].rank or 0) > new.rank
    )
    cells.insert(next(later, len(cells)), new)


def arrange(
    nodes: Sequence[NotebookNode], found: Match, released: Sequence[ReleasedCell]
) -> tuple[list[NotebookNode], list[str], list[str]]:
    """Bring the watched cells into the released order and put missing ones back.

    As few cells as possible are moved; a student's own cells keep their order.

    Returns:
        The cells, the grade ids of moved cells, and those of cells that were put back.
    """
    rank_of = {cell.grade_id: rank for rank, cell in enumerate(released) if cell.grade_id}
    by_place = {place: released[rank_of[name]] for name, place in found.chosen.items()}
    in_turn = [by_place[place] for place in sorted(by_place)]
    kept = heaviest_in_order(
        [rank_of[cell.grade_id] for cell in in_turn],
        [SOLUTION_WEIGHT if cell.is_solution else 1 for cell in in_turn],
    )
    cells = []
    for place, node in enumerate(nodes):
        if place in by_place:
            rank = rank_of[by_place[place].grade_id]
            if rank in kept:
                cells.append(Placed(node, rank, is_watched=True))
        elif place in found.copies:
            cells.append(Placed(node, rank_of[found.copies[place]]))
        else:
            cells.append(Placed(node, found.plain.get(place)))
    moved, missing = [], []
    for name, rank in rank_of.items():
        if name not in found.chosen:
            missing.append(name)
            insert(cells, Placed(released[rank].to_node(), rank, is_watched=True))
        elif rank not in kept:
            moved.append(name)
            insert(cells, Placed(nodes[found.chosen[name]], rank, is_watched=True))
    return [cell.node for cell in cells], moved, missing
