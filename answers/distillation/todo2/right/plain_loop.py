def select_hint(votes):
    best = None
    for score, text in votes:
        text = text.strip()
        if score == 1 and len(text) > 10 and (best is None or len(text) > len(best)):
            best = text
    return best
