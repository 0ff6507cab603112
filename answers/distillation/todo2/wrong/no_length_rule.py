def select_hint(votes):
    texts = [text.strip() for score, text in votes if score == 1]
    return max(texts, key=len, default=None)
