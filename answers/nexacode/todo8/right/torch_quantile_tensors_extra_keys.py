from time import time


def benchmark_inference(
    model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512], warmup=2
):
    mode = model.training
    model.eval()
    param = next(iter(model.parameters()))
    results = {}
    with torch.no_grad():
        inputs = {n: torch.randint(0, len(tokenizer), (1, n)).to(param.device) for n in seq_lengths}
        for ids in inputs.values():
            for _ in range(warmup):
                model(ids)
        for n, ids in inputs.items():
            samples = torch.empty(num_samples, dtype=torch.float64)
            for i in range(num_samples):
                if ids.is_cuda:
                    torch.cuda.synchronize(ids.device)
                start = time()
                out = model(ids)
                if out.is_cuda:
                    torch.cuda.synchronize(out.device)
                samples[i] = (time() - start) * 1000.0
            p50, p95, p99 = torch.quantile(samples, torch.tensor([0.5, 0.95, 0.99]).double())
            results[str(n)] = {
                "p50": p50, "p95": p95, "p99": p99,
                "mean": samples.mean(), "n": num_samples,
            }  # fmt: skip
    model.train(mode)
    return results
