def select_hint(votes):
    texts = [text.strip() for score, text in votes if score > 0]
    lengths = np.array([len(text) for text in texts])
    if not len(texts) or lengths.max() <= 10:
        return None
    return texts[int(lengths.argmax())]
