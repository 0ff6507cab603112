def informative_share(success_rate, group_size):
    def one(rate, size):
        rate, size = float(rate), int(size)
        if not 0 <= rate <= 1 or size < 1:
            raise ValueError("out of range")
        return sum(math.comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(1, size))

    result = np.vectorize(one, otypes=[float])(success_rate, group_size)
    return result if result.shape else float(result)
