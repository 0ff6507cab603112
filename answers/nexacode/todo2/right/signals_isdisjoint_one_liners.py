def analyze_feedback_signals(triples):
    w = [words(t["feedback"]) for t in triples]
    s = [
        "neutral"
        if NEGATIVE_WORDS.isdisjoint(x) and POSITIVE_WORDS.isdisjoint(x)
        else "positive"
        if NEGATIVE_WORDS.isdisjoint(x)
        else "negative"
        for x in w
    ]
    n = lambda k: [len(t[k].split()) for t in triples]
    return dict(
        feedback_lengths=n("feedback"),
        response_lengths=n("response"),
        sentiments=s,
        sentiment_counts={k: s.count(k) for k in ("positive", "negative", "neutral")},
    )
