"""Records what transformers computes of a language model inside each of its classes of text and images, or of text and
sound, into tests/data/language_parts.jsonl: with keys of text_config left out, set, or of another family than the class
assumes. The text of prompts alone: whatever sees or hears stays without weights, on the meta device."""

import json
import re
import sys
import warnings

import torch
import transformers
from float64_reference import load, true_float64
from layers import layers_of
from measure import measure
from record_config_sweep import CHECKPOINTS, DATA, DIGITS, REFUSED, prompt_of
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

TABLE = DATA.parents[1] / "lstar" / "model" / "language_part.cpp"
LEFT_OUT = "left out"
# By checkpoint, edits that hold inside every class; then those of single classes beside a sweep of every key.
EVERYWHERE = {
    "phi": [{}],
    "gemma3_text": [{"use_bidirectional_attention": flag} for flag in (True, False, None)],
    "gemma": [{"use_bidirectional_attention": True}],
    "gemma2": [{"use_bidirectional_attention": True}],
}
SWEPT = {"voxtral": "llama", "glmasr": "llama", "llava": "llama", "mistral3": "mistral"}
ROTARY = [
    {"rope_parameters": LEFT_OUT, "rope_theta": 77.0},
    {"rope_parameters": LEFT_OUT, "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
    {"rope_parameters": LEFT_OUT, "rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_theta": 77.0},
    {"rope_parameters": {"rope_type": "default"}},
    {"rope_parameters": None},
    {"rope_parameters": {}},
    {"rms_norm_eps": LEFT_OUT, "rope_parameters": LEFT_OUT},
]
SINGLE = {
    "voxtral": {
        "llama": ROTARY,
        "smollm3": [{}, {"rms_norm_eps": LEFT_OUT}, {"rope_theta": LEFT_OUT, "rope_parameters": LEFT_OUT}],
        "helium": [{"rms_norm_eps": LEFT_OUT}, {"rope_theta": LEFT_OUT, "rope_parameters": LEFT_OUT}],
        "mixtral": [{"rms_norm_eps": LEFT_OUT}, {"rope_theta": LEFT_OUT, "rope_parameters": LEFT_OUT}],
        "qwen3": [{"rms_norm_eps": LEFT_OUT}, {"rope_theta": LEFT_OUT, "rope_parameters": LEFT_OUT}],
    },
    "exaone4_5": {"exaone4": [{}, {"model_type": "exaone4_5_text"}]},
}
# Gemma 3's class builds one class of language model, whatever the text calls itself.
SINGLE["gemma3"] = {"gemma3_text": [{"model_type": name} for name in ("gemma3", "gemma2", "llama", "none_such")]}
SINGLE["gemma3"]["gemma3_text"].append({"model_type": "llama", "use_bidirectional_attention": True})
SINGLE["glmasr"] = SINGLE["voxtral"]


def outer_classes():
    return re.findall(r'^    \{"([^"]+)", "[^"]+", OuterTie', TABLE.read_text(), re.MULTILINE)


def head_class(model_type):
    named = [getattr(modeling_auto, name) for name in dir(modeling_auto) if re.fullmatch(r"MODEL.*MAPPING_NAMES", name)]
    found = [names[model_type] for names in named if model_type in names]
    found = [name for names in found for name in ([names] if isinstance(names, str) else names)]
    return getattr(transformers, next(name for name in found if name.endswith("ForConditionalGeneration")))


def edited(text, edit):
    changed = {**text, **{key: value for key, value in edit.items() if value != LEFT_OUT}}
    return {key: value for key, value in changed.items() if edit.get(key) != LEFT_OUT}


class Inner:
    """A checkpoint of tests/data, whose tensors go into the language model of another class."""

    def __init__(self, name):
        self.name = name
        self.model = load(CHECKPOINTS / name, torch.float64)
        expected = json.loads((CHECKPOINTS / name / "expected.json").read_text())
        self.text = json.loads((CHECKPOINTS / name / "config.json").read_text())
        self.text.pop("architectures", None)
        self.token_ids = prompt_of(expected["prompts"], self.text)
        self.tensors = self.model.get_decoder().state_dict()
        self.head = self.model.lm_head.weight
        self.is_tied = self.head is self.model.get_input_embeddings().weight
        self.numbers = numbers_of(measure(self.model, self.token_ids))

    def inside(self, model_type, edit):
        config = CONFIG_MAPPING[model_type](text_config=edited(self.text, edit))
        text = config.get_text_config(decoder=True)
        for part in vars(config).values():  # what sees or hears, as small as it gets
            if isinstance(part, transformers.PreTrainedConfig) and part is not text:
                for key in ("num_hidden_layers", "encoder_layers", "depth", "num_layers"):
                    if isinstance(getattr(part, key, None), int):
                        setattr(part, key, 1)
        config._attn_implementation = "eager"
        with torch.device("meta"):
            outer = head_class(model_type)._from_config(config, attn_implementation="eager")
        decoder = outer.get_decoder()
        shapes = {name: tensor.shape for name, tensor in decoder.state_dict().items()}
        if shapes != {name: tensor.shape for name, tensor in self.tensors.items()}:
            return REFUSED
        if self.is_tied and outer.lm_head.weight is not outer.get_input_embeddings().weight:
            return REFUSED
        path = next(name for name, module in outer.named_modules() if module is decoder)
        with true_float64():
            real = type(decoder)(text).double()
        real.load_state_dict(self.tensors)
        parent, _, last = path.rpartition(".")
        setattr(outer.get_submodule(parent), last, real)
        outer.lm_head.weight = torch.nn.Parameter(self.head)
        return self.run(outer.eval(), real)

    def run(self, outer, decoder):
        last = []
        layers_of(decoder)[-1].register_forward_hook(
            lambda _, __, result: last.append(result[0] if isinstance(result, tuple) else result)
        )
        with torch.no_grad(), true_float64():
            result = outer(input_ids=torch.tensor([self.token_ids]), output_attentions=True, use_cache=False)
        diagonal = [a[0].diagonal(dim1=1, dim2=2).sum(dim=1).tolist() for a in result.attentions]
        return numbers_of(
            {
                "diagonal_sum_per_head": diagonal,
                "residual_norm": [last[0].reshape(-1, last[0].shape[-1])[-1].norm().item()],
                "logits": result.logits[0, -1],
            }
        )


def numbers_of(seen):
    means = [sum(heads) / len(heads) for heads in seen["diagonal_sum_per_head"]]
    return [float(f"{n:.{DIGITS}g}") for n in (*means, seen["residual_norm"][-1], seen["logits"].max().item())]


def edits_of(outer, inner):
    edits = [*EVERYWHERE.get(inner.name, ()), *SINGLE.get(outer, {}).get(inner.name, ())]
    if SWEPT.get(outer) == inner.name:
        edits += [{}, *({key: LEFT_OUT} for key in inner.text)]
    return edits


def record(name):
    inner = Inner(name)
    cases = []
    for outer in outer_classes():
        for edit in edits_of(outer, inner):
            try:
                found = inner.inside(outer, edit)
            except Exception as error:
                print(outer, name, edit, type(error).__name__, str(error)[:100].replace("\n", " "), file=sys.stderr)
                continue
            if found == REFUSED:
                continue
            out = [key for key, value in edit.items() if value == LEFT_OUT]
            cases.append([outer, out, {key: value for key, value in edit.items() if key not in out}, found])
            print(outer, name, edit, file=sys.stderr)
    return {"checkpoint": name, "token_ids": inner.token_ids, "numbers": inner.numbers, "saved_config": {}, "cases": cases}


def main():
    names = dict.fromkeys([*EVERYWHERE, *SWEPT.values(), *(name for single in SINGLE.values() for name in single)])
    records = [record(name) for name in names]
    (DATA / "language_parts.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(transformers.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    main()
