"""Which names a text binds and reads: one rule, for every way to write it."""

import ast
import symtable

import pytest
from nexa_grade.cell_names import (
    SHELL,
    bound_anywhere,
    bound_names,
    definitions,
    find_function,
    given_names,
    imports_of,
    is_call_of,
    lines_of,
    names_in_broken_text,
    needed_names,
    parse,
    parse_without_magics,
    reads_of_functions,
    variables_of,
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


def test_definitions_are_those_of_every_target_and_not_what_is_bound_in_passing():
    code = "a = b = 1\nc, *d = e\nf: int\nasync def g(): pass\nclass H: pass\nx = 1\nx = (y := 2)\n"
    passing = (
        "import i\nfor j in k:\n    m = j\nwith n as o: pass\nif (p := q): pass\nr += 1\ndel a"
    )
    found = definitions(code + passing)
    assert set(found) == set("abcdfgHx")
    assert (found["a"], found["b"], found["d"]) == ("a = b = 1", "a = b = 1", "c, *d = e")
    assert found["x"] == "x = (y := 2)"


def test_a_function_is_found_at_any_depth_the_outermost_first():
    code = "class A:\n    @a\n    async def f(self):\n        def g(): pass\ndef g():\n    pass"
    assert lines_of(find_function(code, "f")) == slice(1, 4)
    assert find_function(code, "g").lineno == 5
    assert find_function(code, "A") is None


WITHOUT_MAGICS = {
    "%matplotlib inline\nimport a": "pass\nimport a",
    "if a:\n    !ls\n    b = 1": "if a:\n    pass\n    b = 1",
    "a = !ls\nb = %pwd\nc = 1": "pass\npass\nc = 1",
    "a: list = get_ipython().getoutput('ls')[0]": "pass",
    "get_ipython().run_line_magic(\n    'time',\n    'a = 1',\n)\nb = 1": "pass\nb = 1",
    "%%bash\nls": "pass",
    "'''\n!ls\n'''": "'''\n!ls\n'''",
    "a = f(get_ipython())": "a = f(get_ipython())",
}


@pytest.mark.parametrize("text", WITHOUT_MAGICS)
def test_what_is_left_without_magics_is_plain_python(text):
    left = parse_without_magics(text)
    assert ast.dump(left) == ast.dump(ast.parse(WITHOUT_MAGICS[text]))
    compile(left, "cell", "exec")


def test_what_is_left_without_magics_keeps_its_lines():
    assert parse_without_magics("get_ipython().system(\n'ls')\nb = 1").body[1].lineno == 3


IMPORTS = {
    "import a": {"a": "a"},
    "import a.b": {"a": "a"},
    "import a.b as c": {"c": "a.b"},
    "from a.b import c, d as e": {"c": "a.b.c", "e": "a.b.d"},
    "def f():\n    import a": {"a": "a"},
    "shell = other = get_ipython()": {"shell": SHELL, "other": SHELL},
    "a = b()": {},
}


@pytest.mark.parametrize("text", IMPORTS)
def test_an_imported_name_stands_for_its_module_or_for_a_name_of_it(text):
    assert imports_of(ast.parse(text)) == IMPORTS[text]


def test_a_call_is_known_by_its_last_name():
    for text in ["f()", "a.f(1)", "a[0].f()"]:
        assert is_call_of(ast.parse(text, mode="eval").body, "f")
    for text in ["f", "f.g()", "f()()", "f[0]"]:
        assert not is_call_of(ast.parse(text, mode="eval").body, "f")


def test_the_variables_of_a_test_are_not_what_it_imports():
    assert variables_of("import a\nfrom b import c\nd = 1\ndef e(): pass") == {"d", "e"}
    assert variables_of("d = (") == set()


READS = {  # by text: what its functions read of the notebook, and what the cell needs in all
    "a = b": ("", "b"),
    "a = 1\nb = a": ("", ""),
    "a += 1": ("", "a"),
    "def f(x):\n    return x + y + len(z)": ("y z", "len y z"),
    "async def f():\n    return y": ("y", "y"),
    "class A:\n    def f(self):\n        return y": ("y", "y"),
    "a = [x + y for x in z]": ("", "y z"),
    "f = lambda x: x + y": ("y", "y"),
    "for a in b:\n    a": ("", "b"),
    "def f(": ("", None),
}


@pytest.mark.parametrize("text", READS)
def test_what_a_cell_reads_and_what_its_functions_read(text):
    functions, needed = READS[text]
    assert reads_of_functions(text) == set(functions.split())
    assert needed_names(text) == (None if needed is None else set(needed.split()))
