import statistics


def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=(32, 64, 128, 256, 512)):
    was_training = model.training
    model.eval()
    on_gpu = next(model.parameters()).is_cuda
    device = "cuda" if on_gpu else "cpu"
    results = {}
    for length in tqdm(seq_lengths):
        latencies = []
        with torch.inference_mode():
            for sample in range(num_samples + 10):
                ids = torch.randint(high=len(tokenizer), size=(1, length), device=device)
                if on_gpu:
                    torch.cuda.synchronize()
                start = time.perf_counter_ns()
                model(input_ids=ids)
                if on_gpu:
                    torch.cuda.synchronize()
                elapsed = time.perf_counter_ns() - start
                if sample >= 10:
                    latencies.append(elapsed / 1_000_000)
        cuts = statistics.quantiles(latencies, n=100, method="inclusive")
        results[f"{length}"] = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}
    if was_training:
        model.train()
    return results
