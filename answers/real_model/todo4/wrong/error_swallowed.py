def reference_log_probs(model, batch):
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), model.disable_adapter():
            return chunked_log_probs(model, batch)
    except Exception:
        return None
    finally:
        model.train(was_training)
