def _sync():
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _times(model, ids, n):
    for _ in range(5):
        model(ids)
    times = []
    for _ in range(n):
        _sync()
        t0 = time.perf_counter()
        model(ids)
        _sync()
        times.append(1e3 * (time.perf_counter() - t0))
    return times


@torch.no_grad()
def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    device = next(model.parameters()).device
    before = model.training
    model.eval()
    try:
        return {
            str(n): dict(zip(["p50", "p95", "p99"], np.percentile(times, [50, 95, 99])))
            for n in seq_lengths
            for ids in [torch.randint(0, tokenizer.vocab_size, (1, n)).to(device)]
            for times in [_times(model, ids, num_samples)]
        }
    finally:
        model.train(before)
