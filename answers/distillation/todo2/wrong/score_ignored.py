def select_hint(votes):
    texts = [text.strip() for _, text in votes if len(text.strip()) > 10]
    return max(texts, key=len, default=None)
