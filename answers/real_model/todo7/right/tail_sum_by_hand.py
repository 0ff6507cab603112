def paired_comparison(before, after):
    if len(before) != len(after) or len(before) == 0:
        raise ValueError("lengths")
    changes = np.array(after, dtype=int) - np.array(before, dtype=int)
    gained, lost = np.sum(changes == 1), np.sum(changes == -1)
    k, c = int(min(gained, lost)), int(gained + lost)
    p = min(1.0, 2 * sum(math.comb(c, i) for i in range(k + 1)) / 2**c)
    values = np.concatenate([changes, [0.5, -0.5]])
    total = len(changes) + 2
    d = changes.sum() / total
    variance = ((np.abs(changes)).sum() + 1) / total - d * d
    half = 1.959964 * np.sqrt(variance / total)
    low, high = np.clip([d - half, d + half], -1, 1)
    return dict(difference=changes.mean(), low=low, high=high, p_value=p, gained=gained, lost=lost)
