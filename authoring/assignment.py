"""The assignments of this course, one row each, and where their files are.

Everything in ``authoring/`` takes an ``Assignment`` as its argument. To add one: a folder in
``source/``, its modules in the package, a row in ``ASSIGNMENTS``. What a notebook says itself
(its TODOs, their points, what they ask for) is in no row: ``graded_cells`` derives it.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTION = "nexacode-course"  # of all assignments; its version names the students' zip file


@dataclass(frozen=True)
class Assignment:
    """One assignment: its name, its code, and its files by what they are for.

    Attributes:
        name: nbgrader's name of the assignment, and of its only notebook.
        modules: The package's modules whose code the notebook shows, as paths without ``.py``.
        seed: The seed of the notebook's full profile.
        package: The folder of the modules.
        docs: The folder of the assignment's pages: the guides and the grader report.
        definition_cells: Pattern of the ids of code cells that only define: with the answers they
            are all that a graded cell needs.
        needed_cells: Ids of further cells to run before graded ones in a kernel.
        self_check: The module that contains this assignment's self-check tables, "" for none; the
            notebook's own cell gets them in any case.
        results: The Python module that collects the ready-made results, "" for none.
        long_runs: Settings that are True while the ready-made results are made: what takes so long
            that readers get it ready-made.
        expected: The module that contains the table of expected ranges, "" for none.
        offline: Settings with which the notebook runs where there is no network, by name.
        figures: The folder of the result files that the prose cites.
        root: The folder that all others are in.
    """

    name: str
    modules: tuple[str, ...]
    seed: int
    package: str = "nexa_helpers"
    docs: str = "docs"
    definition_cells: str = "parameters|setup-imports|given-.*"
    needed_cells: tuple[str, ...] = ()
    self_check: str = ""
    results: str = ""
    long_runs: tuple[str, ...] = ()
    expected: str = ""
    offline: tuple[tuple[str, str], ...] = ()
    figures: str = "benchmarks/results"
    root: Path = ROOT

    @property
    def notebook_name(self) -> str:
        """The file name of the notebook, the same in every folder."""
        return f"{self.name}.ipynb"

    @property
    def source(self) -> Path:
        """The folder that the author edits."""
        return self.root / "source" / self.name

    @property
    def source_notebook(self) -> Path:
        """The notebook that the author edits."""
        return self.source / self.notebook_name

    @property
    def ready_made(self) -> Path:
        """The folder of the results that a stuck student can load."""
        return self.source / "ready_made"

    @property
    def figures_folder(self) -> Path:
        """The folder of the result files that the prose cites."""
        return self.root / self.figures

    @property
    def release(self) -> Path:
        """The folder that students get."""
        return self.root / "release" / self.name

    @property
    def release_notebook(self) -> Path:
        """The notebook that students get."""
        return self.release / self.notebook_name

    @property
    def solved_notebook(self) -> Path:
        """The source notebook with its outputs."""
        return self.root / "solutions" / self.name / self.notebook_name

    @property
    def answers(self) -> Path:
        """The folder of the bank of answers."""
        return self.root / "answers" / self.name

    @property
    def probes(self) -> Path:
        """The table of probes: a file, or a folder of modules."""
        file = self.answers / "probes.py"
        return file if file.exists() else file.with_suffix("")

    @property
    def package_folder(self) -> Path:
        """The folder of the modules."""
        return self.root / self.package

    @property
    def docs_folder(self) -> Path:
        """The folder of the assignment's pages."""
        return self.root / self.docs

    @property
    def student_guide(self) -> Path:
        """The page that students get with the notebook."""
        return self.docs_folder / "student.md"

    @property
    def grader_report(self) -> Path:
        """The page that says how often the autograder is right."""
        return self.docs_folder / "grader-report.md"

    @property
    def settings(self) -> Path:
        """The file of nbgrader's settings, shared by all assignments."""
        return self.root / "nbgrader_config.py"

    @property
    def executed(self) -> Path:
        """Where ``make course`` leaves the executed notebook."""
        return self.root / "build" / self.notebook_name

    @property
    def executed_solution(self) -> Path:
        """Where ``make solutions`` leaves the executed notebook."""
        return self.root / "build" / "solutions" / self.notebook_name

    @property
    def course(self) -> Path:
        """The course folder in which ``make course`` grades the reference submission."""
        return self.root / "build" / "course" / self.name

    def shorten(self, path: Path) -> Path:
        """Name a file as seen from the root, for people to read."""
        return path.relative_to(self.root)


NEXACODE = Assignment(
    name="nexacode",
    modules=(
        "runtime", "tasks", "wordings", "developers", "conversation_files", "data",
        "conversations", "feedback", "prompt_injection", "batches", "process_reward", "grpo_tcr",
        "policy_gradient", "microscopes", "microscope_figures", "policy", "training",
        "evaluation", "live_evaluation", "error_analysis", "latency",
        "given/check_tools", "given/ready_made", "given/expected_ranges", "given/self_check",
    ),
    seed=42,
    definition_cells="parameters|setup-(imports|profile)|given-.*",
    needed_cells=("run-setup",),
    self_check="given/self_check",
    results="authoring.nexacode_results",
    expected="given/expected_ranges",
)  # fmt: skip
REAL_MODEL = Assignment(
    name="real_model",
    modules=(
        "runtime", "model_sources", "code_answers", "chat", "coding_requests", "adapter_plans",
        "adapter_training", "adapter_evaluation", "paired_comparison",
        "given/check_tools", "given/ready_made", "given/self_check",
    ),
    seed=42,
    docs="docs/real_model",
    definition_cells="parameters|setup-(imports|profile)|given-.*",
    offline=(("MODEL_SOURCE", "tiny"),),
)  # fmt: skip
DISTILLATION = Assignment(
    name="distillation",
    modules=(
        "runtime", "tasks", "wordings", "developers", "data", "conversations", "policy", "batches",
        "evaluation", "live_evaluation", "grpo_tcr", "training", "hint_judge", "hints",
        "distillation", "learning_speed", "distillation_training", "token_pictures",
        "given/check_tools", "given/distillation_checks", "given/ready_made",
        "given/distillation_files", "given/self_check",
    ),
    seed=42,
    docs="docs/distillation",
    definition_cells="parameters|setup-(imports|profile)|given-.*",
    needed_cells=("run-setup",),
    results="authoring.distillation_results",
    long_runs=("RUN_FAILURES",),
)  # fmt: skip
ASSIGNMENTS = (NEXACODE, DISTILLATION, REAL_MODEL)
DRAFTS: tuple[Assignment, ...] = ()  # not released: only commands that name one meet it


def find_assignment(name: str) -> Assignment:
    """Find the row of a name.

    Raises:
        ValueError: There is none.
    """
    for assignment in ASSIGNMENTS + DRAFTS:
        if assignment.name == name:
            return assignment
    known = ", ".join(assignment.name for assignment in ASSIGNMENTS + DRAFTS)
    raise ValueError(f"assignment: expected one of {known}, got {name!r}")


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a command line name the assignment; without a name, all of them are meant."""
    parser.add_argument(
        "--assignment",
        dest="assignments",
        type=lambda name: (find_assignment(name),),
        default=ASSIGNMENTS,
        metavar="NAME",
        help="one of them; none: each that is released",
    )


def parse_assignments(description: str, arguments: Sequence[str] | None = None) -> list[Assignment]:
    """Read a command line that names an assignment and nothing else."""
    parser = argparse.ArgumentParser(description=description)
    add_option(parser)
    return list(parser.parse_args(arguments).assignments)
