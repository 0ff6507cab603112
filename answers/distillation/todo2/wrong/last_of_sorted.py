def select_hint(votes):
    texts = sorted(
        [text.strip() for score, text in votes if score == 1 and len(text.strip()) > 10], key=len
    )
    return texts[-1] if texts else None
