"""Which names a text binds and reads: one rule, for every way to write it."""

import ast
import symtable

import pytest
from nexa_grade.cell_names import (
    bound_anywhere,
    bound_names,
    definitions,
    given_names,
    names_in_broken_text,
    parse,
    without_magics,
)

BOUND = {  # by text: what it binds at its top level, and what it binds anywhere besides
    "a = 1": ("a", ""),
    "a: int = 1": ("a", ""),
    "a += 1": ("a", ""),
    "a, (b, *c) = d": ("a b c", ""),
    "[a, b] = d": ("a b", ""),
    "a.b = c[d] = 1": ("", ""),
    "for a, b in c:\n    d = a": ("a b d", ""),
    "async def f(a):\n    b = a": ("f", "a b"),
    "def f(a, *b, c=1, **d):\n    e = a": ("f", "a b c d e"),
    "class A(B):\n    c = 1\n    def d(self): pass": ("A", "c d self"),
    "import a.b\nimport c.d as e\nfrom f import g, h as i": ("a e g i", ""),
    "with a as b, c as (d, e):\n    pass": ("b d e", ""),
    "if (a := b):\n    pass": ("a", ""),
    "[c for c in d if (a := c)]": ("a", "c"),
    "x = lambda a: a": ("x", "a"),
    "try:\n    pass\nexcept E as a:\n    pass": ("a", ""),
    "match a:\n case [b, *c]: pass\n case {1: d, **e}: pass": ("b c d e", ""),
    "del a": ("a", ""),
    "%time a = 1": ("", ""),
    "a = !ls": ("a", ""),
    "%%bash\na=1": ("", ""),
    "def f(": ("", ""),
}


@pytest.mark.parametrize("text", BOUND)
def test_a_name_is_bound_where_the_rule_says_so(text):
    here, inside = (set(names.split()) for names in BOUND[text])
    assert bound_names(text) == here
    tree = parse(text)
    if tree is not None:
        assert bound_anywhere(tree) == here | inside


IN_COMPREHENSION = "[c for c in d if (a := c)]"  # the table tells of its `a` inside alone
PYTHON = [text for text in BOUND if parse(text) and not set("%!") & set(text)]
PYTHON.remove(IN_COMPREHENSION)


@pytest.mark.parametrize("text", PYTHON)
def test_pythons_own_table_of_symbols_has_the_same_names(text):
    symbols = symtable.symtable(text, "cell", "exec").get_symbols()
    assigned = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    assert bound_names(text) == assigned


def test_a_locked_cell_gives_functions_classes_imports_and_constants():
    text = "import a.b\nLIMIT = 1\nX, Y = 1, 2\nsmall = 3\nasync def f(): pass\nclass C: pass"
    assert given_names(text) == ["a", "LIMIT", "X", "Y", "f", "C"]
    assert given_names("%matplotlib inline\nLIMIT = 1\n!ls") == ["LIMIT"]
    assert given_names("def f(") == []


def test_a_text_with_a_mistake_still_says_what_it_defines():
    text = "def f(x:\n    return x\nclass A:\nvalue: int = 3\nasync def g(\nif a == b:\n"
    assert names_in_broken_text(text) == {"f", "A", "value", "g"}


def test_definitions_are_whole_lines_with_their_decorators():
    code = "import a\n\n@b\n@c(\n    1)\ndef f():\n    return 1  # one\n\n"
    code += "N: int = (\n    2\n)\nx.y = 3\n"
    assert definitions(code) == {
        "f": "@b\n@c(\n    1)\ndef f():\n    return 1  # one",
        "N": "N: int = (\n    2\n)",
    }


def test_what_is_left_without_magics_is_plain_python():
    text = "%matplotlib inline\nimport a\nif a:\n    !ls\n    b = 1\n"
    left = without_magics(text)
    assert "get_ipython" not in left
    assert [type(node).__name__ for node in ast.parse(left).body] == ["Pass", "Import", "If"]
