def parse_conversation(t):
    return [
        {"role": {"H": "user", "A": "assistant"}[p[0]], "content": p.split(":", 1)[1].strip()}
        for p in re.split(r"\n\n(?=Human:|Assistant:)", t)[
            0 if re.match(r"\n\n(Human|Assistant):", t) else 1 :
        ]
        if p and p.split(":", 1)[1].strip()
    ]
