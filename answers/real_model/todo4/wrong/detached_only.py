def reference_log_probs(model, batch):
    was_training = model.training
    model.eval()
    try:
        with model.disable_adapter():
            return chunked_log_probs(model, batch).detach()
    finally:
        model.train(was_training)
