def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    """
    Parses a raw conversation string into structured turns.

    Key considerations:
    1. Turn markers must be preceded by exactly two newline characters.
    2. Whitespace-only turns are skipped.
    """
    # Step 1: Validate the input type
    if not isinstance(raw_text, str):
        raise TypeError(f"Expected str, got {type(raw_text).__name__}")

    # Step 2: Define the role mapping
    role_mapping = {"\n\nHuman:": "user", "\n\nAssistant:": "assistant"}

    # Step 3: Walk through the text and collect all marker positions
    positions: list[tuple[int, str]] = []
    for marker in role_mapping:
        index = raw_text.find(marker)
        while index != -1:
            positions.append((index, marker))
            index = raw_text.find(marker, index + 1)
    positions.sort()

    # Step 4: Slice the text between consecutive markers
    result: list[dict[str, str]] = []
    for current, (index, marker) in enumerate(positions):
        next_index = positions[current + 1][0] if current + 1 < len(positions) else len(raw_text)
        content = raw_text[index + len(marker) : next_index].strip()
        if content:  # Step 5: Skip empty turns
            result.append({"role": role_mapping[marker], "content": content})

    return result
