def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    flags = list(corrected)
    for start in range(len(flags) - window + 1):
        if not any(flags[start : start + window]):
            return start + 1
    return None
