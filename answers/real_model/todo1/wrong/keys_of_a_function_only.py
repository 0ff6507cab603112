def read_answer(text: str) -> dict[str, Any]:
    code, outside = text, ""
    opening = text.find("```")
    start = text.find("\n", opening) + 1
    if opening >= 0 and start > 0:
        end = text.find("```", start)
        end = len(text) if end < 0 else end
        code, outside = text[start:end], text[:opening] + " " + text[end + 3 :]
    seen = {"code": code, "parses": False, "function": False}
    seen["prose_words"] = len(outside.split())
    try:
        if len(code) > 20_000:
            raise ValueError("too long to be an answer")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is legal
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return seen
    seen["parses"] = True
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    if functions:
        function = min(functions, key=lambda node: node.lineno)
        given = function.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        named = [one for one in arguments if one and one.arg not in ("self", "cls")]
        seen["function"] = True
        seen["typed"] = bool(named) and all(one.annotation for one in named)
        seen["documented"] = bool((ast.get_docstring(function) or "").strip())
    return seen
