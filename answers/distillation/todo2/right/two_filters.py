def select_hint(votes):
    kept = list(filter(lambda text: len(text) >= 11, (t.strip() for s, t in votes if s == 1)))
    longest = max(map(len, kept), default=0)
    return next((text for text in kept if len(text) == longest), None)
