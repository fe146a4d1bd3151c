"""Variants of the encoders: bidirectional attention, norms behind attention and MLP."""

BERT = {
    "architectures": ["BertForMaskedLM"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": 24,
    "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 64,
    "type_vocab_size": 2, "vocab_size": 80, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "position_embedding_type": "absolute",
}  # fmt: skip
ROBERTA = BERT | {
    "architectures": ["RobertaForMaskedLM"], "model_type": "roberta", "max_position_embeddings": 66,
    "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
OLD_NAMES = [(r"LayerNorm\.weight$", "LayerNorm.gamma"), (r"LayerNorm\.bias$", "LayerNorm.beta")]

ENCODERS = {
    # As bert-base-uncased: names begin with "bert.", norms have gamma and beta, a second pretraining head lies beside.
    "bert": {
        "config": BERT, "rename": OLD_NAMES,
        "stray": {"cls.seq_relationship.weight": [[0.5] * 24, [-0.5] * 24], "cls.seq_relationship.bias": [0.1, 0.2]},
    },
    # As all-MiniLM-L6-v2: BertModel without a head, no prefix, a pooler that attention never reads, stored positions.
    "bert-sentence": {
        "config": BERT | {"architectures": ["BertModel"], "num_hidden_layers": 4, "num_attention_heads": 6,
                          "intermediate_size": 40},
        "stray": {"embeddings.position_ids": [list(range(64))]},
    },
    # Half the names of the first, weight and bias as today, the tanh approximation.
    "bert-masked": {"config": BERT | {"hidden_act": "gelu_new", "num_attention_heads": 2}, "matters": {
        "hidden_act": "relu"}},
    "roberta": {"config": ROBERTA},
    # Positions begin behind the padding id, whatever it is.
    "roberta-model": {
        "config": ROBERTA | {"architectures": ["RobertaModel"], "pad_token_id": 3, "max_position_embeddings": 64,
                             "type_vocab_size": 2},
    },
}  # fmt: skip
