from typing import Dict, List


def parse_conversation(raw_text: str) -> List[Dict[str, str]]:
    pattern = re.compile(r"\n\n(Human|Assistant):(.*?)(?=\n\nHuman:|\n\nAssistant:|\Z)", re.DOTALL)
    return [
        {"role": {"Human": "user"}.get(match[1], "assistant"), "content": match[2].strip()}
        for match in pattern.finditer(raw_text)
        if match[2].strip()
    ]
