def reference_log_probs(model, batch):
    with contextlib.ExitStack() as stack:
        stack.callback(model.train, model.training)
        model.eval()
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        stack.enter_context(model.disable_adapter())
        return chunked_log_probs(model, batch)
