class FirstFunction(ast.NodeVisitor):
    def __init__(self):
        self.found = None

    def look(self, node):
        if self.found is None:
            self.found = node

    visit_FunctionDef = visit_AsyncFunctionDef = look


def read_answer(text):
    code, prose = text, ""
    opening = re.search(r"```[^\n]*\n", text[:100_000])
    if opening:
        parts = text[opening.end() :].split("```", 1)
        code = parts[0]
        prose = text[: opening.start()] + "\n" + (parts[1] if len(parts) > 1 else "")
    seen = {"code": code, "prose_words": len(re.findall(r"\S+", prose))}
    seen.update(parses=False, function=False, typed=False, documented=False)
    try:
        assert len(code) <= 20_000
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            tree = ast.parse(code)
        visitor = FirstFunction()
        visitor.visit(tree)
    except (AssertionError, SyntaxError, ValueError, RecursionError, MemoryError):
        return seen
    seen["parses"] = True
    node = visitor.found
    if node is not None:
        a = node.args
        arguments = a.posonlyargs + a.args + a.kwonlyargs
        arguments += [x for x in (a.vararg, a.kwarg) if x is not None]
        hints = [x.annotation is not None for x in arguments if x.arg not in ("self", "cls")]
        seen["function"] = True
        seen["typed"] = hints != [] and all(hints)
        seen["documented"] = bool((ast.get_docstring(node) or "").strip())
    return seen
