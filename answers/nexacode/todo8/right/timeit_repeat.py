def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    import timeit

    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    results = {}
    for length in seq_lengths:
        ids = torch.from_numpy(np.random.randint(0, len(tokenizer), size=(1, length))).to(device)

        def one_pass():
            with torch.no_grad():
                model.forward(ids)
            if device.type == "cuda":
                torch.cuda.synchronize()

        timeit.repeat(one_pass, number=1, repeat=3)
        seconds = timeit.repeat(one_pass, number=1, repeat=num_samples)
        results[str(length)] = {
            f"p{q}": round(1000 * float(np.percentile(seconds, q)), 3) for q in (50, 95, 99)
        }
    model.train(was_training)
    return results
