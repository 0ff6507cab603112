def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    results = {}
    torch.set_grad_enabled(False)
    for length in seq_lengths:
        ids = torch.randint(len(tokenizer), (1, length), device=device)
        for _ in range(3):
            model(ids)
        times = []
        for _ in range(num_samples):
            if device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            model(ids)
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append((time.perf_counter() - start) * 1000)
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        results[str(length)] = {"p50": p50, "p95": p95, "p99": p99}
    model.train(was_training)
    return results
