def sessions_until_stable(corrected, window=3):
    for start in range(len(corrected) - window + 1):
        if not any(corrected[start : start + window]):
            return start + 1
    return None
