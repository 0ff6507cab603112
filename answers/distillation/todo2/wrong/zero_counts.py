def select_hint(votes):
    return max(
        [text.strip() for score, text in votes if score >= 0 and len(text.strip()) > 10],
        key=len,
        default=None,
    )
