def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],  # noqa: B006
) -> dict[str, dict[str, float]]:
    """Measure the latency of a forward pass with one row of random tokens.

    At least one pass at each length warms up first and is not counted. On a GPU the
    clock waits for the device before and after each pass. The model's mode is put back
    at the end.

    Args:
        model: The policy.
        tokenizer: Its length is the number of token ids.
        num_samples: Passes per length, at least 2.
        seq_lengths: Lengths in tokens.

    Returns:
        For each length (as a string) ``p50``, ``p95`` and ``p99`` in milliseconds,
        percentiles with linear interpolation.
    """
    device = next(model.parameters()).device
    on_gpu = device.type == "cuda"
    was_training = model.training
    model.eval()
    results = {}
    with torch.no_grad():
        for index, length in enumerate(seq_lengths):
            ids = torch.randint(0, len(tokenizer), (1, length), device=device)
            if index == 0:  # warm up
                for _ in range(5):
                    model(ids)
            times = []
            for _ in range(num_samples):
                if on_gpu:
                    torch.cuda.synchronize()
                start = time.perf_counter()
                model(ids)
                if on_gpu:
                    torch.cuda.synchronize()
                times.append((time.perf_counter() - start) * 1000)
            p50, p95, p99 = np.percentile(times, [50, 95, 99])
            results[str(length)] = {"p50": float(p50), "p95": float(p95), "p99": float(p99)}
    model.train(was_training)
    return results
