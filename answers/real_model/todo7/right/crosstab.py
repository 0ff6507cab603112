def paired_comparison(before, after):
    n = len(before)
    if len(after) != n or n < 1:
        raise ValueError(f"{n} and {len(after)}")
    table = np.zeros((2, 2))
    for pair in zip(before, after):
        table[int(pair[0]), int(pair[1])] += 1
    gained, lost = int(table[0, 1]), int(table[1, 0])
    c = gained + lost
    p_value = stats.binomtest(lost, c).pvalue if c > 0 else 1.0
    half = table + 0.5
    n2 = half.sum()
    d = (half[0, 1] - half[1, 0]) / n2
    error = math.sqrt((half[0, 1] + half[1, 0]) / n2 - d * d) / math.sqrt(n2)
    z = stats.norm.ppf(0.975)
    return {
        "difference": gained / n - lost / n,
        "p_value": p_value,
        "gained": gained,
        "lost": lost,
        "low": float(np.maximum(d - z * error, -1)),
        "high": float(np.minimum(d + z * error, 1)),
    }
