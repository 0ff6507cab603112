@torch.no_grad()
def reference_log_probs(model, batch):
    mode = model.training
    try:
        model.eval()
        with model.disable_adapter():
            scores = chunked_log_probs(model, batch)
    finally:
        model.train(mode)
    return scores
