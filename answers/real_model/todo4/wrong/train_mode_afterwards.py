def reference_log_probs(model, batch):
    model.eval()
    try:
        with torch.no_grad(), model.disable_adapter():
            return chunked_log_probs(model, batch)
    finally:
        model.train()
