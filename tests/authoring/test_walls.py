"""Three houses, and what may know what: read from the imports in the code itself."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from nexa_grade import settings
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
HOUSES = {
    "nexa_helpers": ROOT / "nexa_helpers",
    "authoring": ROOT / "authoring",
    "nexa_grade": ROOT / "grader" / "nexa_grade",
}
MAY_NOT = {
    "nexa_helpers": {"authoring", "benchmarks", "nexa_grade", "nbgrader"},
    "authoring": {"tests", "benchmarks"},
    "nexa_grade": {
        *("nexa_helpers", "authoring", "torch", "transformers", "datasets", "papermill"),
        *("safetensors", "matplotlib", "sklearn"),
    },
}
# Inside the grader, each room may know itself, those that stand behind it here, and the ground.
FLOORS = (
    ("command",),
    ("results",),
    ("run",),
    ("second_look",),
    ("execution",),
    ("forgery", "repair", "intake"),
)


def module_name(path: Path, house: str) -> str:
    parts = path.relative_to(HOUSES[house].parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def read_house(house: str) -> dict[str, str]:
    return {module_name(path, house): path.read_text() for path in HOUSES[house].rglob("*.py")}


def imports_of(code: str) -> set[str]:
    """Name what a module imports, inside of functions, too; a module or a name of one."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "an import names its module in full"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def graph(modules: dict[str, str]) -> dict[str, set[str]]:
    """Tell which modules of a house each of them imports."""
    arrows: dict[str, set[str]] = {}
    for name, code in modules.items():
        found = imports_of(code)
        known = {part for path in found for part in (path, path.rpartition(".")[0])}
        arrows[name] = (known & modules.keys()) - {name}
    return arrows


def find_circle(arrows: dict[str, set[str]]) -> list[str]:
    """Walk the arrows; a module that leads back to itself is on a circle."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(arrows[name]):
            if circle := walk(other, [*path, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in sorted(arrows) if (circle := walk(name, []))), [])


def floor_of(module: str) -> int | None:
    """Tell the floor of a module of the grader; None for the ground, which all may know."""
    room = module.split(".")[1] if "." in module else ""
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return found[0] if found else None


def arrows_up(arrows: dict[str, set[str]]) -> list[str]:
    """List imports of the grader that lead to a floor above, or from the ground to a room."""
    found = []
    for name, others in arrows.items():
        for other in others:
            here, there = floor_of(name), floor_of(other)
            if there is not None and (here is None or there < here):
                found.append(f"{name} -> {other}")
    return sorted(found)


@pytest.mark.parametrize("house", HOUSES)
def test_a_house_imports_nothing_that_it_may_not(house):
    seen = {
        f"{name} imports {path}"
        for name, code in read_house(house).items()
        for path in imports_of(code)
        if path.partition(".")[0] in MAY_NOT[house]
    }
    assert seen == set()


@pytest.mark.parametrize("house", HOUSES)
def test_no_import_leads_back_to_where_it_began(house):
    assert find_circle(graph(read_house(house))) == []


def test_the_rooms_of_the_grader_stand_on_floors_and_no_arrow_runs_up():
    assert arrows_up(graph(read_house("nexa_grade"))) == []


def test_the_grader_names_no_course():
    files = [*HOUSES["nexa_grade"].rglob("*.py"), *HOUSES["nexa_grade"].rglob("*.j2")]
    files += [HOUSES["nexa_grade"].parent / "pyproject.toml"]
    words = re.compile(r"nexa_helpers|nexacode|\bTODO\b|HH-RLHF|GRPO")
    found = {
        f"{path.name}: {match[0]}" for path in files for match in words.finditer(path.read_text())
    }
    assert found == set()


def strings_in(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for part in value for text in strings_in(part)] if isinstance(value, list) else []


def test_every_class_that_the_settings_name_is_there():
    config = Config()
    settings.harden(config)
    names = [name for name in strings_in(dict(config)) if re.fullmatch(r"[a-z_]+(\.\w+)+", name)]
    assert len(names) > 20
    for name in names:
        module, _, part = name.rpartition(".")
        assert hasattr(importlib.import_module(module), part), name


def test_each_rule_sees_what_breaks_it():
    broken = {"nexa_grade.cells": "from nexa_grade.run.journal import Journal"}
    modules = {"nexa_grade.run.journal": "import nexa_grade.cells", **broken}
    assert arrows_up(graph(modules)) == ["nexa_grade.cells -> nexa_grade.run.journal"]
    assert len(find_circle(graph(modules))) == 3
    assert imports_of("def f():\n    import torch.nn") == {"torch.nn"}
