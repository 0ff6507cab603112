def select_hint(votes):
    texts = [text.strip() for score, text in votes if score == 1]
    texts = sorted((text for text in texts if len(text) > 10), key=lambda text: -len(text))
    return texts[0] if texts else None
