def reference_log_probs(model, batch):
    model.eval()
    with torch.no_grad(), model.disable_adapter():
        return chunked_log_probs(model, batch)
