"""Prompt throughput of llama.cpp through its Python package:  llama_cpp.py GGUF PROMPTS THREADS

Every prompt is evaluated by itself and one token is chosen behind it; the seconds are llama.cpp's own for the prompt.
Prints one JSON object with them, with each prompt's likeliest next token (null where it ends the text, which the
server does not show), and with what the library was built for.
"""

import json
import sys

import xllamacpp


def main(path, prompts_file, threads):
    prompts = [json.loads(line)["token_ids"] for line in open(prompts_file)]
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = max(map(len, prompts)) + 16
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # no prompt is remembered for another
    params.ui = params.use_jinja = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    seconds, likeliest = 0.0, []
    for ids in prompts:
        request = {"prompt": ids, "n_predict": 1, "temperature": 0, "cache_prompt": False, "n_probs": 1}
        answer = server.handle_completions(request)
        answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
        if "timings" not in answer:
            raise ValueError(f"no answer to a prompt of {len(ids)} tokens: {answer}")
        if answer["timings"]["prompt_n"] != len(ids):
            raise ValueError(f"{answer['timings']['prompt_n']} tokens of {len(ids)} were evaluated")
        seconds += answer["timings"]["prompt_ms"] / 1000
        shown = answer["choices"][0]["logprobs"]
        likeliest.append(shown["content"][0]["id"] if shown else None)
    print(json.dumps({"passes": seconds, "likeliest": likeliest, "built_for": xllamacpp.get_system_info()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
