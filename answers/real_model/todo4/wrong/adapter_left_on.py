def reference_log_probs(model, batch):
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return chunked_log_probs(model, batch)
    finally:
        model.train(was_training)
