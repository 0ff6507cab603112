def informative_share(success_rate, group_size):
    p = float(success_rate)
    if not 0 <= p <= 1 or group_size < 1:
        raise ValueError("out of range")
    return 1 - p**group_size - (1 - p) ** group_size
