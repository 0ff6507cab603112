def parse_conversation(raw_text):
    if not isinstance(raw_text, str):
        raise TypeError(f"expected str, got {type(raw_text)}")
    turns = []
    # In front of the first "Human:" only the answers count; in each later piece the user is first.
    before, *pieces = raw_text.split("\n\nHuman:")
    for content in before.split("\n\nAssistant:")[1:]:
        turns.append({"role": "assistant", "content": content.strip()})
    for piece in pieces:
        question, *answers = piece.split("\n\nAssistant:")
        turns.append({"role": "user", "content": question.strip()})
        turns += [{"role": "assistant", "content": answer.strip()} for answer in answers]
    return list(filter(lambda turn: turn["content"], turns))
