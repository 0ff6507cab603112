def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],  # noqa: B006
) -> dict[str, dict[str, float]]:
    device = next(model.parameters()).device
    on_gpu = device.type == "cuda"
    was_training = model.training
    model.eval()
    results = {}
    with torch.no_grad():
        for length in seq_lengths:
            ids = torch.randint(0, len(tokenizer), (1, length), device=device)
            for _ in range(3):
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
            times.sort()
            p50, p95, p99 = (
                times[min(int(p * len(times)), len(times) - 1)] for p in (0.5, 0.95, 0.99)
            )
            results[str(length)] = {"p50": float(p50), "p95": float(p95), "p99": float(p99)}
    model.train(was_training)
    return results
