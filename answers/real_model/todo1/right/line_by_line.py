def read_answer(text):
    code, prose, inside, seen_block = [], [], False, False
    if "```" in text and "\n" in text[text.index("```") :]:
        before, rest = text.split("```", 1)
        first_line, rest = rest.split("\n", 1)
        body, fence, after = rest.partition("```")
        words = before.split() + after.split()
    else:
        body, words = text, []
    result = dict(
        code=body,
        parses=False,
        function=False,
        typed=False,
        documented=False,
        prose_words=len(words),
    )
    if len(body) > 20000:
        return result
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(body)
    except Exception:
        return result
    result["parses"] = True
    defs = sorted(
        (n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))),
        key=lambda n: (n.lineno, n.col_offset),
    )
    for node in defs[:1]:
        every = [n for n in ast.walk(node.args) if isinstance(n, ast.arg)]
        every = [n for n in every if n.arg not in {"self", "cls"}]
        result["function"] = True
        result["typed"] = len(every) > 0 and not any(n.annotation is None for n in every)
        doc = ast.get_docstring(node)
        result["documented"] = doc is not None and doc.strip() != ""
    return result
