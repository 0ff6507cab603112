def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    text = "".join("y" if flag else "n" for flag in corrected)
    place = text.find("n" * window)
    return place + 1 if place >= 0 else None
