def select_hint(votes):
    votes = list(votes)
    if not votes:
        return None
    (score, text), rest = votes[0], select_hint(votes[1:])
    mine = text.strip() if score == 1 and len(text.strip()) > 10 else None
    if mine is None or rest is None:
        return mine or rest
    return mine if len(mine) >= len(rest) else rest
