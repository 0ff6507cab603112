def select_hint(votes):
    texts = [text.strip() for score, text in votes if score == 1 and len(text.strip()) > 10]
    return max(reversed(texts), key=len, default=None)
