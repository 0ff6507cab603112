"""Signs of forgery in a text: what a program needs that looks for points instead of an answer.

Tests share their interpreter with the submission. A forgery reaches for the tests' text, for the
machinery that runs them or for the functions that they call, and these have names. The tables
below say which names, and why. Each was held against the course's own notebook and its bank of
answers, right and wrong, of which none has a sign. Left out: programs that are written against
these tables. docs/security.md says so.
"""

import ast
import functools
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO

from nexa_grade.cell_names import SHELL, bound_anywhere, imports_of, is_call_of, parse

CODE = "reads the code or the variables of what calls it"
HISTORY = "reads the notebook's history"
MACHINERY = "changes how cells are run or shown"
WATCHES = "watches the interpreter while tests run"
MEMORY = "searches the interpreter's memory"
REPLACES = "replaces a part of Python or of a library"
TEXT = "runs code that is not in the cell"
PROCESS = "starts, ends or leaves processes"
FILES = "reaches for files or code of the course"
LIES = "makes objects that answer without looking"

# Names that mean the same wherever they stand: as a name, an attribute, a word in a path of names.
NAMES = {
    CODE: """_getframe _current_frames currentframe f_back f_code f_globals f_locals f_builtins
        tb_frame gi_frame cr_frame getsource getsourcelines getouterframes getinnerframes
        walk_stack walk_tb extract_stack linecache __code__ __closure__ __globals__ co_consts
        co_code CodeType""",
    HISTORY: """_ih _ii _iii history_manager input_hist_raw input_hist_parsed
        last_execution_result parent_header HistoryAccessor HistoryManager""",
    MACHINERY: """ast_transformers input_transformers_post input_transformers_cleanup
        input_transformer_manager cleanup_transforms line_transforms token_transformers
        transform_cell transform_ast set_custom_exc showtraceback showsyntaxerror displayhook
        excepthook unraisablehook run_ast_nodes shell_handlers control_handlers do_execute
        builtin_trap ipykernel user_global_ns meta_path path_hooks path_importer_cache""",
    WATCHES: """settrace setprofile addaudithook settrace_all_threads TorchFunctionMode
        TorchDispatchMode register_module_forward_hook register_module_forward_pre_hook
        register_module_full_backward_hook register_module_full_backward_pre_hook setitimer""",
    MEMORY: """get_objects get_referrers get_referents ctypes cffi __subclasses__ __mro__
        __bases__ process_vm_readv""",
    REPLACES: "__builtins__ __defaults__ __kwdefaults__",
    TEXT: "marshal __import__ runpy InteractiveInterpreter InteractiveConsole",
    PROCESS: "setsid daemonize getppid killpg pidfd_open nohup",
    FILES: "nexa_grade NBGRADER_EXECUTION gradebook nbgrader",
    LIES: """__torch_function__ __torch_dispatch__ __array_function__ __array_ufunc__
        __instancecheck__ __subclasscheck__ __getattribute__ __reduce__ __reduce_ex__ __del__""",
}
WHY = {name: why for why, names in NAMES.items() for name in names.split()}

# Names that mean it only in their module; a module alone stands for all that is in it.
IN_MODULE = {
    CODE: "inspect.stack inspect.trace inspect.currentframe",
    WATCHES: "sys.monitoring gc.callbacks",
    REPLACES: "unittest.mock",
    TEXT: "builtins.exec builtins.eval builtins.compile code.interact",
    PROCESS: """atexit signal.signal signal.alarm os.fork os.forkpty os.kill os.abort os._exit
        os.system os.popen os.posix_spawn os.posix_spawnp os.execv os.execve os.execvp os.execl
        os.spawnl os.spawnv subprocess pty multiprocessing.Process""",
    FILES: "__main__",
}
WHY_IN_MODULE = {name: why for why, names in IN_MODULE.items() for name in names.split()}

RUNS_TEXT = {"exec", "eval", "compile", "__import__"}  # as functions of Python's own
HISTORY_NAMES = {"In", "_i", "_oh"}  # where nothing in the cell assigns them
COMPARISONS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__"}
VALUES = set(
    "bool bytes complex dict float frozenset int list set str tuple Tensor ndarray".split()
)
# What the tests call; its attributes are not to be assigned.
ALIASES = {
    "F": "torch.nn.functional",
    "nn": "torch.nn",
    "np": "numpy",
    "Tensor": "torch.Tensor",
} | {
    name: name
    for name in """atexit builtins code collections contextlib copy functools gc inspect itertools
    json math multiprocessing numpy operator os pty random re signal statistics subprocess sys
    time torch types""".split()
}
REPLACEABLE = set(
    """IPython builtins cmath collections contextlib copy functools inspect itertools
json math numpy operator random re scipy statistics sys time torch""".split()
)
SETTINGS = ("torch.backends", "sys.stdout", "sys.stderr", "IPython.display")  # honestly assigned
SHELL_IS_FOR = set(
    """run_line_magic run_cell_magic magic system getoutput __class__ ast_node_interactivity colors
    config set_next_input enable_matplotlib enable_gui display_formatter InteractiveTB Completer
    magics_manager find_line_magic register_magic_function extension_manager""".split()
)
# Names that newer versions of a library no longer have, and that people give back to them.
SHIMS = set(
    """float int bool object str complex long unicode float_ complex_ product cumproduct alltrue
    sometrue Inf infty NaN Callable Mapping MutableMapping Sequence Iterable Iterator Set MutableSet
    Hashable OrderedDict getargspec clock gcd""".split()
)
# What reads no text of the file that it is told of.
ONLY_NAMES_FILES = set(
    """download FileLink FileLinks display print exists isfile getsize copy copy2 copyfile copytree
    move make_archive basename splitext join system write upload_file display_html HTML stat
    info debug warning""".split()
)
SHOWS_NO_FILE = re.compile(
    r"^\W*(?:sudo +)?(?:jupyter[ -]nbconvert|jupyter[ -]trust|ls|du|wc|stat|file|find|zip|tar|cp|mv"
    r"|rm|touch|git|md5sum|sha\d+sum|wget|curl|gdown|rsync|echo|colab-convert|jupytext|nbstripout|black"
    r"|ruff|pwd|cd|mkdir|unzip|pip|apt|apt-get)\b"
)
RUNS_COMMANDS = set(
    """os.system os.popen subprocess.run subprocess.call subprocess.check_call
    subprocess.check_output subprocess.getoutput subprocess.getstatusoutput""".split()
)
LINE_MAGICS = {"history": HISTORY, "hist": HISTORY, "recall": HISTORY, "rerun": HISTORY} | {
    "notebook": HISTORY, "macro": HISTORY, "logstart": HISTORY, "run": TEXT, "pdef": CODE,
}  # fmt: skip
SHELL_MAGICS = {"bash", "sh", "script", "perl", "ruby", "system", "sx", "!"}
TEXT_MAGICS = {"html", "HTML", "latex", "markdown", "javascript", "js", "svg", "SVG"}
COMMAND = (
    r"gradebook|nbgrader|nexa_grade{}|\.ipynb\b|\bnohup\b|\bsetsid\b|\bdisown\b|(?<!&)&\s*$"
    r"|\bp?kill(all)?\b|/proc/(?!(?:cpuinfo|meminfo|version|loadavg|uptime)\b)"
)
ONE_LINER = re.compile(r"\bpython[\d.]* +(?:-\w+ +)*-c +(['\"])(.*?)\1", re.DOTALL)
PATH = r"gradebook\.db|\.ipynb$|nexa_grade{}|^/proc/|timestamp\.txt$"
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Tables:
    """The names and patterns that are signs, with those of one course."""

    why: Mapping[str, str]  # by name
    command: re.Pattern[str]
    path: re.Pattern[str]


@functools.lru_cache(maxsize=10)
def tables_for(course_names: tuple[str, ...]) -> Tables:
    """Add the names of a course's own code to the tables."""
    more = "".join(f"|{re.escape(name)}" for name in course_names)
    return Tables(
        WHY | dict.fromkeys(course_names, FILES),
        re.compile(COMMAND.format(more), re.MULTILINE),
        re.compile(PATH.format(more)),
    )


def signs_of_forgery(
    source: str, imports: Mapping[str, str] | None = None, course_names: Iterable[str] = ()
) -> list[str]:
    """Look for signs of forgery in a cell.

    Args:
        source: The text of a code cell, magics included.
        imports: What names stand for, from the other cells (see `imports_of`).
        course_names: Words that name the course's own code, such as its package.

    Returns:
        What was found and why it is a sign, each once, in order; nothing for honest code.
    """
    return check_cell(source, imports or {}, tables_for(tuple(course_names)))


def check_cell(source: str, imports: Mapping[str, str], tables: Tables) -> list[str]:
    """Check a cell: a cell magic, Python, or a text that is neither."""
    first = source.lstrip().partition("\n")[0]
    if first.startswith("%%"):
        name, _, line = first[2:].partition(" ")
        body = source.lstrip().partition("\n")[2]
        return check_cell_magic(name.strip(), line, body, tables)
    tree = parse(source)
    if tree is None:
        return check_words(source, tables)
    visitor = ForgeryVisitor(tree, imports, tables)
    try:
        visitor.visit(tree)
    except RecursionError:
        visitor.signs += check_words(source, tables)
    return list(dict.fromkeys(visitor.signs))


def check_words(source: str, tables: Tables) -> list[str]:
    """Check the words of a text that is not Python: does one of the names stand there?"""
    try:
        words = [token.string for token in tokenize.generate_tokens(StringIO(source).readline)]
    except (SyntaxError, ValueError, tokenize.TokenError):
        words = WORD.findall(source)
    return [f"{word}: {tables.why[word]}" for word in dict.fromkeys(words) if word in tables.why]


def check_cell_magic(name: str, line: str, body: str, tables: Tables) -> list[str]:
    """Check a cell magic: a shell's commands, a page's text, else Python."""
    if name in TEXT_MAGICS:
        return []
    if name in SHELL_MAGICS or name.startswith("python"):
        found = check_command(f"{line}\n{body}", tables)
        is_python = name.startswith("python") or "python" in line
        return found + (check_cell(body, {}, tables) if is_python else [])
    found = check_line_magic(name, line, tables)
    return list(dict.fromkeys(found + check_cell(body, {}, tables)))


def check_line_magic(name: str, line: str, tables: Tables) -> list[str]:
    """Check a line magic; the timing ones execute Python."""
    found = [f"%{name}: {LINE_MAGICS[name]}"] if name in LINE_MAGICS else []
    if name in ("sx", "system"):
        found += check_command(line, tables)
    if name in ("time", "timeit", "prun"):
        found += check_cell(re.sub(r"^\s*(-\w+\s*\d*\s+)*", "", line), {}, tables)
    return found


def command_of(call: ast.Call) -> str:
    """Read the command that a call runs, "" where it is put together."""
    first = call.args[0]
    parts = first.elts if isinstance(first, ast.List | ast.Tuple) else [first]
    words = [part.value for part in parts if isinstance(part, ast.Constant)]
    texts = [word for word in words if isinstance(word, str)]
    return " ".join(texts) if len(texts) == len(parts) else ""


def check_command(text: str, tables: Tables) -> list[str]:
    """Check commands for a shell, and Python's programs of one line in them."""
    signs = []
    for part in re.split(r"&&|\|\|?|;|\n", text):
        is_silent = SHOWS_NO_FILE.match(part)
        found = [match[0].strip() for match in tables.command.finditer(part)]
        found = [one for one in found if not (one == ".ipynb" and is_silent)]
        signs += [f"{one} in a command: {FILES}" for one in found]
    for program in ONE_LINER.finditer(text):
        signs += check_cell(program[2], {}, tables)
    return signs[:3]


@dataclass
class ForgeryVisitor(ast.NodeVisitor):
    """Collects the signs of forgery in a syntax tree."""

    tree: ast.AST
    imports: Mapping[str, str]
    tables: Tables
    signs: list[str] = field(default_factory=list)
    parents: list[ast.AST] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stored = bound_anywhere(self.tree)
        imported = imports_of(self.tree)
        known = {**ALIASES, **self.imports}
        self.aliases = {name: path for name, path in known.items() if name not in self.stored}
        self.aliases |= imported

    def report(self, what: str, why: str) -> None:
        """Note a sign."""
        self.signs.append(f"{what}: {why}")

    def visit(self, node: ast.AST) -> None:
        """Visit a node, and know the ones above it."""
        self.parents.append(node)
        super().visit(node)
        self.parents.pop()

    @property
    def parent(self) -> ast.AST:
        """Give the node above the one that is visited."""
        return self.parents[-2] if len(self.parents) > 1 else self.tree

    def path_of(self, node: ast.AST) -> str:
        """Write a chain of attributes with the full name of its module; "" for anything else."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, "")
        if isinstance(node, ast.Attribute):
            above = self.path_of(node.value)
            return f"{above}.{node.attr}" if above else ""
        return SHELL if is_call_of(node, "get_ipython") else ""

    def check_path(self, path: str, shown: str) -> None:
        """Check a full name."""
        for name, why in WHY_IN_MODULE.items():
            is_named = path == name or path.startswith(f"{name}.")
            if is_named and not (path in RUNS_COMMANDS and self.is_call_with_text()):
                self.report(shown, why)
        if path == "sys.modules" and not isinstance(self.parent, ast.Compare):
            self.report(shown, REPLACES)

    def visit_Name(self, node: ast.Name) -> None:
        """Check a name."""
        path = self.path_of(node)
        if node.id in self.tables.why:
            self.report(node.id, self.tables.why[node.id])
        elif isinstance(node.ctx, ast.Load) and node.id not in self.stored:
            if node.id in HISTORY_NAMES:
                self.report(node.id, HISTORY)
            elif node.id in RUNS_TEXT:
                self.report(node.id, TEXT)
            elif node.id == "globals" and self.is_in_function():
                self.report("globals() in a function", CODE)
        if path and not isinstance(self.parent, ast.Attribute):
            self.check_path(path, node.id)

    def is_call_with_text(self) -> bool:
        """Tell the call of a command that stands there in full, as behind a ``!``."""
        call = self.parent
        if not isinstance(call, ast.Call) or not call.args or call.func not in self.parents:
            return False
        words = command_of(call)
        if words:
            self.signs += check_command(words, self.tables)
        return bool(words)

    def is_in_function(self) -> bool:
        """Tell code that runs when something else calls it."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        return any(isinstance(node, kinds) for node in self.parents)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Check an attribute, and at what an assignment to it would change."""
        path = self.path_of(node)
        if node.attr in self.tables.why:
            self.report(node.attr, self.tables.why[node.attr])
        elif path:
            self.check_path(path, path)
        if path.startswith(f"{SHELL}.") and path.split(".")[1] not in SHELL_IS_FOR:
            self.report(path, MACHINERY)
        if node.attr == "__dict__" and self.is_replaceable(self.path_of(node.value)):
            self.report(path, REPLACES)
        if not isinstance(node.ctx, ast.Load):
            if node.attr == "__class__":
                self.report("an assignment to __class__", LIES)
            elif self.is_replaceable(path) and not self.is_setting(path):
                self.report(f"an assignment to {path}", REPLACES)
        self.generic_visit(node)

    def is_replaceable(self, path: str) -> bool:
        """Tell the modules that tests rely on, and what is in them, by their full names."""
        return path.partition(".")[0] in REPLACEABLE

    def is_setting(self, path: str) -> bool:
        """Tell an honest assignment: a known setting, or a plain value."""
        if path.startswith(SETTINGS):
            return True
        above = self.parent
        value = getattr(above, "value", None)
        if path.rpartition(".")[2] in SHIMS and isinstance(above, ast.Assign):
            return isinstance(value, ast.Name | ast.Attribute)
        return isinstance(above, ast.Assign | ast.AnnAssign) and isinstance(value, ast.Constant)

    def visit_Import(self, node: ast.Import) -> None:
        """Check what is imported."""
        for name in node.names:
            self.check_import(name.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Check what is imported from where."""
        for name in node.names:
            self.check_import(f"{node.module or ''}.{name.name}")

    def check_import(self, path: str) -> None:
        """Check an imported name; a module that is a sign only by its parts may be imported."""
        for part in path.split("."):
            if part in self.tables.why:
                self.report(path, self.tables.why[part])
                return
        for name, why in WHY_IN_MODULE.items():
            if path.startswith(f"{name}.") or (path == name and name not in ("subprocess",)):
                self.report(path, why)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Check a text: a path to a file, or a name that is meant for ``getattr``."""
        if not isinstance(node.value, str) or len(node.value) > 200:
            return
        text = node.value
        if text.endswith(".ipynb") and self.is_only_named():
            return
        if not re.search(r"\s", text) and self.tables.path.search(text):
            self.report(repr(text[:60]), FILES)
        if text.isidentifier() or re.fullmatch(r"\w+(\.\w+)+", text):
            for part in text.split("."):
                if part in self.tables.why:
                    self.report(repr(part), self.tables.why[part])
                elif part in COMPARISONS:
                    self.report(repr(part), LIES)

    def is_only_named(self) -> bool:
        """Tell a file's name in a call that does not read the file."""
        above = [node for node in reversed(self.parents[:-1]) if isinstance(node, ast.Call)][:1]
        names = {getattr(one.func, "attr", getattr(one.func, "id", "")) for one in above}
        return bool(names) and names <= ONLY_NAMES_FILES

    def visit_Call(self, node: ast.Call) -> None:
        """Check calls that name an attribute, and at magics."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("setattr", "delattr") and node.args:
            path = self.path_of(node.args[0])
            if self.is_replaceable(path) or path == SHELL:
                self.report(f"{name}({path}, ...)", REPLACES)
        if name in ("getattr", "vars", "dir") and node.args:
            self.check_getattr(name, node)
        if isinstance(node.func, ast.Attribute) and self.path_of(node.func.value) == SHELL:
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if all(isinstance(word, str) for word in words):
                self.check_shell(node.func.attr, [str(word) for word in words])
        self.generic_visit(node)

    def check_getattr(self, name: str, node: ast.Call) -> None:
        """Check an attribute that is named by a text, or by something that nobody can read."""
        path = self.path_of(node.args[0])
        if name == "vars" and self.is_replaceable(path):
            self.report(f"vars({path})", REPLACES)
        if name == "getattr" and len(node.args) > 1:
            attribute = node.args[1]
            if isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
                self.check_path(f"{path}.{attribute.value}", f"{path}.{attribute.value}")
                if path == SHELL and attribute.value not in SHELL_IS_FOR:
                    self.report(f"{path}.{attribute.value}", MACHINERY)
            elif path in ("sys", "os", "inspect", "gc", SHELL):
                self.report(f"getattr({path}, ...)", REPLACES)

    def check_shell(self, kind: str, words: list[str]) -> None:
        """Check what IPython is asked to do: a command, or a magic."""
        if kind in ("system", "getoutput"):
            self.signs += check_command("\n".join(words), self.tables)
        elif kind == "run_line_magic" and words:
            self.signs += check_line_magic(words[0], " ".join(words[1:]), self.tables)
        elif kind == "run_cell_magic" and len(words) == 3:
            self.signs += check_cell_magic(words[0], words[1], words[2], self.tables)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Look for objects that lie: methods that answer without looking."""
        bases = {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                self.check_method(part.name, part, bool(bases & VALUES))
            elif isinstance(part, ast.Assign) and isinstance(part.value, ast.Lambda):
                for target in part.targets:
                    if isinstance(target, ast.Name):
                        self.check_method(target.id, part.value, bool(bases & VALUES))
            if "__class__" in bound_anywhere(part):
                self.report(f"__class__ in the class {node.name}", LIES)
        self.generic_visit(node)

    def check_method(
        self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, is_value: bool
    ) -> None:
        """Check one method: does its answer depend on what it is compared with?"""
        if name in self.tables.why:
            self.report(name, self.tables.why[name])
        if name not in COMPARISONS:
            return
        arguments = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        read = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if is_value or not set(arguments[1:]) & read:
            self.report(f"{name} of its own", LIES)
