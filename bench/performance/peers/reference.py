"""What the tests are held against, for equality before timing:  reference.py MODEL PROMPTS

`transformers` with eager attention in float64, and by how much its float32 is off; MODEL is a folder or a .gguf file,
PROMPTS JSON Lines with token_ids. Prints one JSON object. The arithmetic is that of tools/oracle.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools" / "oracle"))

import torch  # noqa: E402
from float64_reference import load  # noqa: E402
from measure import record_prompt  # noqa: E402

if __name__ == "__main__":
    model, prompts = Path(sys.argv[1]), [json.loads(line)["token_ids"] for line in open(sys.argv[2])]
    source, options = (model.parent, {"gguf_file": model.name}) if model.suffix == ".gguf" else (model, {})
    reference, single = (load(source, dtype, **options) for dtype in (torch.float64, torch.float32))
    print(json.dumps({"prompts": [record_prompt(reference, single, ids) for ids in prompts]}))
