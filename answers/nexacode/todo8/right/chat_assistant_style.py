@torch.no_grad()
def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],
) -> dict[str, dict[str, float]]:
    """Benchmark the forward-pass latency."""
    # Remember the mode and switch to evaluation
    original_mode = model.training
    model.eval()
    device = next(model.parameters()).device
    use_cuda = device.type == "cuda"

    results: dict[str, dict[str, float]] = {}
    for seq_len in seq_lengths:
        # Create random input
        input_ids = torch.randint(low=0, high=len(tokenizer), size=(1, seq_len), device=device)

        # Warm-up runs
        for _ in range(5):
            _ = model(input_ids)

        # Timed runs
        latencies = []
        for _ in range(num_samples):
            if use_cuda:
                torch.cuda.synchronize()
            start_time = time.perf_counter()
            _ = model(input_ids)
            if use_cuda:
                torch.cuda.synchronize()
            end_time = time.perf_counter()
            latencies.append((end_time - start_time) * 1000.0)

        # Percentiles
        results[str(seq_len)] = {
            "p50": float(np.percentile(latencies, 50)),
            "p95": float(np.percentile(latencies, 95)),
            "p99": float(np.percentile(latencies, 99)),
        }

    # Restore the original mode
    model.train(original_mode)
    return results
