"""The notebook's five prompts."""

TEXTS = (
    "The capital of France is Paris, which is known for the Eiffel Tower.",
    "In mathematics, the derivative of x squared equals two times x.",
    "Climate change affects global temperatures and weather patterns significantly.",
    "The quick brown fox jumps over the lazy dog near the riverbank.",
    "Once upon a time in a land far away, there lived a wise old king.",
)


def tokenised(tokenizer):
    return [{"text": text, "token_ids": tokenizer(text)["input_ids"]} for text in TEXTS]
