def reference_log_probs(model, batch):
    was_training = model.training
    model.eval()
    model.base_model.disable_adapter_layers()
    try:
        with torch.no_grad():
            scores = chunked_log_probs(model, batch)
    finally:
        model.train(was_training)
    model.base_model.enable_adapter_layers()
    return scores
