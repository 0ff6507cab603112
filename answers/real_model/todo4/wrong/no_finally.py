def reference_log_probs(model, batch):
    was_training = model.training
    model.eval()
    with torch.no_grad(), model.disable_adapter():
        scores = chunked_log_probs(model, batch)
    model.train(was_training)
    return scores
