def reference_log_probs(model: Any, batch: Batch) -> torch.Tensor:
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), model.disable_adapter():
            return chunked_log_probs(model, batch)
    finally:
        model.train(was_training)
