import timeit


def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    frozen = copy.deepcopy(model).eval().requires_grad_(False)
    device = next(frozen.parameters()).device
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    text = "def add(a, b): return a + b. Thanks, that is what I wanted! "
    results = {}
    for length in seq_lengths:
        ids = tokenizer(text * length)["input_ids"][:length]
        ids = torch.tensor([ids], device=device)
        mask = torch.ones_like(ids)
        for _ in range(4):
            frozen(ids, mask)
        ms = []
        for _ in range(num_samples):
            wait()
            start = timeit.default_timer()
            frozen(ids, attention_mask=mask)
            wait()
            ms.append((timeit.default_timer() - start) * 1000)
        p50, p95, p99 = np.quantile(ms, [0.5, 0.95, 0.99]).tolist()
        results[str(length)] = dict(p50=p50, p95=p95, p99=p99)
    return results
