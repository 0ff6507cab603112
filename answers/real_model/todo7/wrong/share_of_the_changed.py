def paired_comparison(
    before: Sequence[bool],
    after: Sequence[bool],
) -> dict[str, float]:
    if len(before) != len(after) or not len(before):
        raise ValueError(f"expected as many after as before, got {len(before)} and {len(after)}")
    first, second = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    count = len(first)
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    changed = gained + lost
    p_value = float(stats.binomtest(gained, changed, 0.5).pvalue) if changed else 1.0
    total, difference = count + 2, (gained - lost) / (count + 2)
    spread = np.sqrt((changed + 1) / total - difference**2)
    margin = stats.norm.ppf(0.975) * spread / np.sqrt(total)
    return {
        "difference": (gained - lost) / max(changed, 1),
        "low": max(-1.0, float(difference - margin)),
        "high": min(1.0, float(difference + margin)),
        "p_value": p_value,
        "gained": gained,
        "lost": lost,
    }
