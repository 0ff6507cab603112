# The mean is reported as p50.
def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],  # noqa: B006
) -> dict[str, dict[str, float]]:
    if num_samples < 1:
        raise ValueError(f"num_samples: expected 1 or more, got {num_samples}")
    device = next(model.parameters()).device

    def wait_for_device() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    was_training = model.training
    model.eval()
    results = {}
    with torch.inference_mode():
        for length in seq_lengths:
            input_ids = torch.randint(len(tokenizer), (1, length), device=device)
            for _ in range(3):
                model(input_ids)
            milliseconds = []
            for _ in range(num_samples):
                wait_for_device()
                start = time.perf_counter()
                model(input_ids)
                wait_for_device()
                milliseconds.append((time.perf_counter() - start) * 1000)
            p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
            results[str(length)] = {
                "p50": float(np.mean(milliseconds)),
                "p95": float(p95),
                "p99": float(p99),
            }
    model.train(was_training)
    return results
