@contextmanager
def in_eval_mode(model):
    before = model.training
    model.eval()
    try:
        yield model
    finally:
        if before:
            model.train()


def reference_log_probs(model, batch):
    with in_eval_mode(model), model.disable_adapter(), torch.no_grad():
        return chunked_log_probs(model, batch).detach()
