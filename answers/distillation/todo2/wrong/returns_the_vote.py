def select_hint(votes):
    texts = [(1, text.strip()) for score, text in votes if score == 1 and len(text.strip()) > 10]
    return max(texts, key=lambda vote: len(vote[1]), default=None)
