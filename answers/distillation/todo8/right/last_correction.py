def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    last = 0
    for number, flag in enumerate(corrected, 1):
        if flag:
            last = number
        elif number - last == window:
            return last + 1
    return None
