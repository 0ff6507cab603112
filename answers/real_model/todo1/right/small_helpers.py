def split_answer(text):
    start = text.find("```")
    if start == -1:
        return text, ""
    line_end = text.find("\n", start)
    if line_end == -1:
        return text, ""
    stop = text.find("```", line_end + 1)
    if stop == -1:
        return text[line_end + 1 :], text[:start]
    return text[line_end + 1 : stop], text[:start] + " " + text[stop + 3 :]


def parse_or_none(code):
    if len(code) > 20_000:
        return None
    warnings.simplefilter("ignore")
    try:
        return ast.parse(code)
    except Exception:
        return None


def read_answer(text):
    with warnings.catch_warnings():
        code, prose = split_answer(text)
        tree = parse_or_none(code)
    nodes = [] if tree is None else list(ast.walk(tree))
    nodes = [n for n in nodes if type(n).__name__ in ("FunctionDef", "AsyncFunctionDef")]
    first = min(nodes, key=lambda n: n.lineno) if nodes else None
    typed = documented = False
    if first:
        named = [n for n in ast.walk(first.args) if isinstance(n, ast.arg)]
        named = [n for n in named if n.arg != "self" and n.arg != "cls"]
        typed = bool(named) and all(n.annotation is not None for n in named)
        documented = bool((ast.get_docstring(first) or "").strip())
    return {
        "code": code,
        "parses": tree is not None,
        "function": first is not None,
        "typed": typed,
        "documented": documented,
        "prose_words": len(prose.split()),
    }
