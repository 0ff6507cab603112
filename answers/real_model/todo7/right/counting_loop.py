def paired_comparison(before, after):
    n = len(before)
    if n == 0 or n != len(after):
        raise ValueError("lists")
    gained = lost = 0
    for old, new in zip(before, after):
        gained += bool(new) and not old
        lost += bool(old) and not new
    p = 1.0
    if gained + lost:
        p = stats.binomtest(gained, gained + lost, 0.5).pvalue
    n2 = n + 2
    d = (gained - lost) / n2
    margin = 1.96 * math.sqrt(((gained + lost + 1) / n2 - d**2) / n2)
    return {
        "gained": gained,
        "lost": lost,
        "difference": (gained - lost) / n,
        "p_value": p,
        "low": max(-1, d - margin),
        "high": min(1, d + margin),
    }
