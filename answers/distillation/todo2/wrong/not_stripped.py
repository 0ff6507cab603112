def select_hint(votes):
    texts = [text for score, text in votes if score == 1 and len(text.strip()) > 10]
    return max(texts, key=lambda text: len(text.strip()), default=None)
