def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    for start in range(len(corrected) - window + 1):
        if all(corrected[start : start + window]):
            return start + 1
    return None
