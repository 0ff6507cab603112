def select_hint(votes):
    texts = [text.strip() for score, text in votes if score == 1 and len(text.strip()) > 10]
    return texts[0] if texts else None
