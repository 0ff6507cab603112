def select_hint(votes):
    texts = [text.strip() for score, text in votes if score == 1 and len(text) > 10]
    return max(texts, key=len, default=None)
