#!/usr/bin/env python3
"""Training side by side with PyTorch: same work, same threads, alternating, medians, losses checked equal.

    compare.py setup                                 # once: the peers, in a scratch environment (about 6 GB)
    compare.py prepare MODEL.gguf FOLDER             # once: a bf16 checkpoint folder that both sides load
    compare.py prepare gpt2-124m FOLDER              # once: GPT-2's shape with random weights
    compare.py synthetic MODEL.gguf NEW.gguf         # once: 630 million random weights laid out as Q4_K_M
    compare.py run --glassworks PROGRAM --smollm2 FOLDER --gpt2 FOLDER [--recompute] [--json FILE]
    compare.py run --glassworks PROGRAM --model FOLDER --case lora-qv --batch 1 --length 128 --precision fast
    compare.py qlora --glassworks PROGRAM --gguf MODEL.gguf --model FOLDER      # memory, against ourselves

`synthetic` takes the tokenizer of a Llama GGUF; `prepare NEW.gguf FOLDER --dtype float32` writes the folder of the
last: the same weights, dequantised.

`run` alone measures the rows below (`--rows` picks some); without `--glassworks` only the peers.

PROGRAM is called as

    PROGRAM --model FOLDER_OR_GGUF --case CASE --batch B --length T --steps N --warmup W --precision exact|fast
            [--recompute] --tokens FILE [--adapter FILE]

with `GLASSWORKS_ISA` set where a row holds both sides to an instruction set, and prints one line of JSON:

    {"losses": [...], "step_secs": [...], "tokens_per_sec": x, "peak_rss_bytes": n, "isa": "...", "precision": "..."}

One step: forward, backward, gradients held to a total norm of 1, AdamW (lr 1e-3, betas 0.9 and 0.999, eps 1e-8,
weight decay 0.01 on all that is trained). W + N steps, all on the same batch; `losses` has all of them (each
before its update), `step_secs` the last N.

CASE: `lora-qv` (q_proj, v_proj; GPT-2: c_attn) and `lora-all` (every linear map of the layers), rank 8, alpha 16,
no dropout; `full` (every parameter, dropout off). --tokens: JSON, B arrays of T ids; every token but a row's first is
a target. --adapter: PEFT's adapter_model.safetensors, adapter_config.json beside it, with the values to start from.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peers import CAPS, PEERS, REPOSITORY, against, child, cpu, install, python, tell, texts, undisturbed

# name: model, case, batch, length, precision, instruction set; least and reached-for ratio of tokens/s, and of memory.
# Fast is held against the fastest that torch does, Exact against torch in f32.
ROWS = {
    "fast":     ("smollm2", "lora-qv", 4, 256, "fast", None, (0.9, 1.25), (0.6, 0.35)),
    "exact":    ("smollm2", "lora-qv", 4, 256, "exact", "avx512", (1.0, 1.4), None),
    "avx2":     ("smollm2", "lora-qv", 4, 256, "exact", "avx2", (1.0, 1.2), None),
    "all":      ("smollm2", "lora-all", 4, 256, "fast", None, (0.9, 1.25), None),
    "long":     ("smollm2", "lora-qv", 1, 512, "fast", None, (0.9, 1.25), None),
    "gpt2":     ("gpt2", "full", 4, 256, "fast", None, (0.8, 1.1), None),
}
# The ways people train on a CPU: type of the frozen (full: of all) weights, of the adapter, and of autocast.
WAYS = {
    "f32": ("float32", "float32", None),
    "autocast": ("float32", "float32", "bfloat16"),
    "bf16": ("bfloat16", "float32", None),
    "bf16+autocast": ("bfloat16", "float32", "bfloat16"),
    "bf16-all": ("bfloat16", "bfloat16", None),
}
BF16_WAYS = {"full": ["autocast", "bf16"]}  # otherwise all four
TARGETS = {
    "llama": {"lora-qv": ["q_proj", "v_proj"],
              "lora-all": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]},
    "gpt2": {"lora-qv": ["c_attn"], "lora-all": ["c_attn", "c_proj", "c_fc"]},
}
# How far a loss may lie from torch's in f32.
TOLERANCE = {"exact": 1e-3, "fast": 5e-2}
SEED = 20


# --- the peers' side (runs inside the scratch environment) --------------------

def load(model, dtype):
    """The checkpoint, ready to train: no dropout anywhere, nothing printed."""
    import torch
    import transformers
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    config = transformers.AutoConfig.from_pretrained(model)
    for key in ["attn_pdrop", "resid_pdrop", "embd_pdrop", "attention_dropout"]:
        if hasattr(config, key):
            setattr(config, key, 0.0)
    return transformers.AutoModelForCausalLM.from_pretrained(model, config=config, dtype=getattr(torch, dtype))


def lora(model, case, adapter_dtype="float32"):
    from peft import LoraConfig, get_peft_model
    kind = model.config.model_type
    config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=TARGETS[kind][case],
                        task_type="CAUSAL_LM", fan_in_fan_out=kind == "gpt2")
    return get_peft_model(model, config, autocast_adapter_dtype=adapter_dtype == "float32")


def prepare(args):
    import torch
    import transformers
    torch.manual_seed(SEED)
    if args.source == "gpt2-124m":
        config = transformers.GPT2Config(attn_pdrop=0.0, resid_pdrop=0.0, embd_pdrop=0.0)
        transformers.GPT2LMHeadModel(config).save_pretrained(args.folder)
    else:
        folder, file = os.path.split(os.path.abspath(args.source))
        read = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
        config = transformers.AutoConfig.for_model(**{  # what came from a GGUF will not be saved: into a new one
            key: value for key, value in read.config.to_dict().items() if key != "quantization_config" and key[0] != "_"})
        config.rms_norm_eps = float(f"{config.rms_norm_eps:.4g}")  # a float32 in the GGUF
        model = type(read)(config)
        model.load_state_dict(read.state_dict())
        model.to(getattr(torch, args.dtype)).save_pretrained(args.folder)
        transformers.AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(args.folder)


def random_q4_k(rng, rows, cols):
    """Blocks of 256 weights around 0, deviation 0.02: each sub-block's minimum is 7.5 of its steps, below zero."""
    import numpy as np
    n = rows * cols // 256
    steps = rng.integers(32, 64, (n, 8), dtype=np.uint8)
    low, high = steps[:, :4], steps[:, 4:]
    scales = np.concatenate([low | (high >> 4 << 6)] * 2 + [(high & 15) | ((high & 15) << 4)], 1)
    d = np.tile(np.array([9e-5, 7.5 * 9e-5], np.float16).view(np.uint8), (n, 1))
    return np.concatenate([d, scales, rng.integers(0, 256, (n, 128), dtype=np.uint8)], 1).reshape(rows, -1)


def random_q6_k(rng, rows, cols):
    import numpy as np
    n = rows * cols // 256
    scales = rng.integers(8, 32, (n, 16), dtype=np.uint8)
    d = np.tile(np.array([5.4e-5], np.float16).view(np.uint8), (n, 1))
    return np.concatenate([rng.integers(0, 256, (n, 192), dtype=np.uint8), scales, d], 1).reshape(rows, -1)


def synthetic(args):
    """A Llama of 630 million random weights, its matrices in the types that llama-quantize's Q4_K_M gives them."""
    import numpy as np
    from gguf import GGMLQuantizationType as Type, GGUFReader, GGUFWriter
    source, target = GGUFReader(args.source), GGUFWriter(args.target, "llama")
    width, feed, layers, heads, kv_heads, vocab = 2048, 5632, 12, 32, 4, 49152
    for add, value in {"name": "synthetic-630m", "block_count": layers, "context_length": 4096,
                       "embedding_length": width, "feed_forward_length": feed, "head_count": heads,
                       "head_count_kv": kv_heads, "rope_freq_base": 10000.0, "layer_norm_rms_eps": 1e-5,
                       "vocab_size": vocab, "rope_dimension_count": width // heads, "file_type": 15,
                       "bos_token_id": 1, "eos_token_id": 2}.items():
        getattr(target, f"add_{add}")(value)
    for add, key in {"tokenizer_model": "model", "tokenizer_pre": "pre", "token_list": "tokens",
                     "token_types": "token_type", "token_merges": "merges"}.items():
        getattr(target, f"add_{add}")(source.fields[f"tokenizer.ggml.{key}"].contents())
    rng = np.random.default_rng(SEED)

    def matrix(name, rows, cols, more_bits=False):
        make, kind = (random_q6_k, Type.Q6_K) if more_bits else (random_q4_k, Type.Q4_K)
        target.add_tensor(f"{name}.weight", make(rng, rows, cols), raw_dtype=kind)

    ones = np.ones(width, np.float32)
    matrix("token_embd", vocab, width, more_bits=True)
    target.add_tensor("output_norm.weight", ones)
    eighth, kv_width = layers // 8, width // heads * kv_heads
    for layer in range(layers):
        more = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
        for name, rows, cols in [("attn_q", width, width), ("attn_k", kv_width, width), ("attn_v", kv_width, width),
                                 ("attn_output", width, width), ("ffn_gate", feed, width), ("ffn_up", feed, width),
                                 ("ffn_down", width, feed)]:
            matrix(f"blk.{layer}.{name}", rows, cols, more and name in ("attn_v", "ffn_down"))
        for name in ["attn_norm", "ffn_norm"]:
            target.add_tensor(f"blk.{layer}.{name}.weight", ones)
    target.write_header_to_file()
    target.write_kv_data_to_file()
    target.write_tensors_to_file()
    target.close()


def inputs(args):
    """Writes what both sides start from: the batch, and the adapter's values."""
    import torch
    torch.manual_seed(SEED)
    out, model = Path(args.out), load(args.model, "float32")
    n = args.batch * args.length
    if (Path(args.model) / "tokenizer.json").exists():
        from tokenizers import Tokenizer
        tokenizer = Tokenizer.from_file(str(Path(args.model) / "tokenizer.json"))
        ids = tokenizer.encode(texts(), add_special_tokens=False).ids
        ids = (ids * (n // len(ids) + 1))[:n]
    else:
        ids = torch.randint(model.config.vocab_size, (n,)).tolist()
    (out / "tokens.json").write_text(json.dumps([ids[i:i + args.length] for i in range(0, n, args.length)]))
    if args.case != "full":
        model = lora(model, args.case)
        with torch.no_grad():  # PEFT begins with B = 0, where A has no gradient and an error could hide
            for name, p in model.named_parameters():
                if "lora_B" in name:
                    p.normal_(0, 0.01)
        model.save_pretrained(out)


def train(args):
    """W + N steps the way `--way` says; prints the same line as Glassworks."""
    import resource
    import torch
    torch.set_num_threads(args.threads)
    weights, adapter, autocast = WAYS[args.way]
    model = load(args.model, weights)
    if args.case != "full":
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file
        model = lora(model, args.case, adapter)
        wrong = set_peft_model_state_dict(model, load_file(args.adapter))
        assert not wrong.unexpected_keys and not any("lora_" in key for key in wrong.missing_keys), wrong
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, fused=True)
    tokens = torch.tensor(json.loads(Path(args.tokens).read_text()))
    assert tokens.shape == (args.batch, args.length)
    losses, secs = [], []
    for _ in range(args.warmup + args.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast is not None):
            loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        secs.append(time.perf_counter() - start)
    secs = secs[args.warmup:]
    print(json.dumps({
        "losses": losses, "step_secs": secs, "tokens_per_sec": tokens.numel() / statistics.median(secs),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "isa": torch.backends.cpu.get_cpu_capability(), "precision": args.way, "threads": torch.get_num_threads()}))


def probe(args):
    """What the three libraries inside torch say they run on, and how fast a product is: did the cap take?"""
    import torch
    torch.set_num_threads(args.threads)
    out = {"torch": torch.__version__, "aten": torch.backends.cpu.get_cpu_capability()}
    for dtype in [torch.float32, torch.bfloat16]:
        a, secs = torch.randn(512, 512).to(dtype), []
        for _ in range(5):
            start = time.perf_counter()
            a @ a
            secs.append(time.perf_counter() - start)
        out[f"gflops_{str(dtype).removeprefix('torch.')}"] = round(2 * 512**3 / min(secs) / 1e9, 1)
    print(json.dumps(out))


# --- both sides ---------------------------------------------------------------

class Bench:
    def __init__(self, args):
        self.args = args
        self.scratch = Path(args.scratch)
        self.python = python(args)

    def peer(self, *command, **environment):
        return child([self.python, __file__, *command, "--threads", self.args.threads], self.args.threads, **environment)

    def inputs(self, model, case, batch, length):
        out = self.scratch / f"{Path(model).name}-{case}-{batch}x{length}"
        if not (out / "done").exists():
            out.mkdir(parents=True, exist_ok=True)
            self.peer("inputs", "--model", model, "--case", case, "--batch", batch, "--length", length, "--out", out)
            (out / "done").touch()
        work = ["--case", case, "--batch", batch, "--length", length, "--tokens", out / "tokens.json"]
        return work + ([] if case == "full" else ["--adapter", out / "adapter_model.safetensors"])

    def probe(self, isa):
        found, output = self.peer("probe", ONEDNN_VERBOSE="1", MKL_VERBOSE="1", **CAPS[isa])
        says = [line.split(mark)[-1] for line in output.splitlines()
                for begin, mark in [("onednn_verbose", "cpu,isa:"), ("MKL_VERBOSE", " for Intel(R) 64 architecture ")]
                if line.startswith(begin) and mark in line]
        return {key: found[key] for key in ("torch", "aten", "gflops_float32", "gflops_bfloat16")} | {"libraries": says}

    def row(self, name, model, case, batch, length, precision, isa, bar=None, memory_bar=None):
        args, work = self.args, ["--model", model, *self.inputs(model, case, batch, length)]
        runs = {}

        def run(key, steps, warmup, kept=True):
            count = ["--steps", steps, "--warmup", warmup]
            result = undisturbed(lambda: once(key, count), args.patience)
            if kept:
                runs.setdefault(key, []).append(result)
            return result

        def once(key, count):
            if key.startswith("torch "):
                result, _ = self.peer("train", *work, *count, "--way", key.removeprefix("torch "), **CAPS[isa])
            else:
                cap = {} if isa is None else {"GLASSWORKS_ISA": isa}
                more = ["--recompute"] if key.endswith("recompute") else []
                result, _ = child([args.glassworks, *work, *count, "--precision", precision, *more], args.threads, **cap)
            speed = batch * length / statistics.median(result["step_secs"])
            tell(name, key, f"{speed:.0f} tokens/s, {result['rss'] / 1e9:.2f} GB, "
                 f"loss {result['losses'][0]:.4f} to {result['losses'][-1]:.4f}", result)
            return result

        ours = [] if not args.glassworks else ["glassworks"] + (["glassworks, recompute"] if args.recompute else [])
        ways, tried = [], {}
        if args.ways:
            ways = [way for way in args.ways if way != "f32"]
        elif precision == "fast":
            ways = BF16_WAYS.get(case, [way for way in WAYS if way != "f32"])
        if len(ways) > 1:  # one short run of each; the fastest is what is measured
            tried = {way: run(f"torch {way}", 2, 1, kept=False) for way in ways}
            ways = [min(tried, key=lambda way: statistics.median(tried[way]["step_secs"]))]
        for _ in range(args.rounds):
            for key in [*ours, "torch f32", *(f"torch {way}" for way in ways)]:
                run(key, args.steps, args.warmup)

        def middle(key):
            secs = statistics.median(s for r in runs[key] for s in r["step_secs"])
            return {"tokens_per_sec": batch * length / secs, "rss": statistics.median(r["rss"] for r in runs[key])}

        about = {key: middle(key) for key in runs}
        exact = runs["torch f32"][0]["losses"]
        for key, kept in runs.items():
            assert all(len(r["losses"]) == len(exact) for r in kept), f"{key}: not as many losses as steps"
            about[key]["loss_difference"] = max(abs(a - b) for r in kept for a, b in zip(r["losses"], exact))
        peers = [key for key in about if key.startswith("torch")]
        best = max(peers, key=lambda key: about[key]["tokens_per_sec"])
        # Memory against the least that torch needs in any of its ways.
        least = min([about[key]["rss"] for key in peers] + [r["rss"] for r in tried.values()])
        for key in ours:
            about[key] |= {"ratio": about[key]["tokens_per_sec"] / about[best]["tokens_per_sec"],
                           "memory_ratio": about[key]["rss"] / least,
                           "equal": about[key]["loss_difference"] <= TOLERANCE[precision]}
        return {"row": name, "model": Path(model).name, "case": case, "batch": batch, "length": length,
                "precision": precision, "isa": isa, "bar": bar, "memory_bar": memory_bar, "best": best,
                "least_peer_rss": least, "results": about, "runs": runs, "tried": tried,
                "disturbed": sum(r["disturbed"] for kept in runs.values() for r in kept),
                "n_runs": sum(map(len, runs.values()))}


def table(rows):
    """A line for each setting of ours, the peers beside it."""
    speed = lambda about, key: f"{about[key]['tokens_per_sec']:.0f}, {about[key]['rss'] / 1e9:.2f} GB"
    lines = ["| case | ours: tokens/s, memory | torch f32 | torch bf16 | ratio to the best | memory to the least "
             "| loss off torch f32: ours, bf16 | disturbed |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        about = row["results"]
        bf16 = next((key for key in about if key.startswith("torch ") and key != "torch f32"), None)
        held = f", held to {row['isa']}" if row["isa"] else ""
        case = f"{row['model']} {row['case']} {row['batch']}×{row['length']} {row['precision']}{held}"
        theirs = f"{speed(about, bf16)} ({bf16.removeprefix('torch ')})" if bf16 else "–"
        bf16_off = f"{about[bf16]['loss_difference']:.1e}" if bf16 else "–"
        for key in [key for key in about if key.startswith("glassworks")] or [None]:
            a = about.get(key)
            off = f"{a['loss_difference']:.1e}{'' if a['equal'] else ' NOT EQUAL'}" if a else "–"
            cells = [case + (" recompute" if key and "recompute" in key else ""), speed(about, key) if a else "–",
                     speed(about, "torch f32"), theirs, against(a["ratio"], row["bar"]) if a else "–",
                     against(a["memory_ratio"], row["memory_bar"]) if a else "–",
                     f"{off}, {bf16_off}",
                     f"{row['disturbed']} of {row['n_runs']} runs"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bench(args):
    bench, rows = Bench(args), []
    if args.model:
        wanted = {args.case: (args.model, args.case, args.batch, args.length, args.precision, args.isa)}
    else:
        models = {"smollm2": args.smollm2, "gpt2": args.gpt2}
        wanted = {name: (models[row[0]], *row[1:]) for name, row in ROWS.items()
                  if (name in args.rows if args.rows else models[row[0]])}
        if not wanted or any(row[0] is None for row in wanted.values()):
            sys.exit("name the models: --smollm2 FOLDER, --gpt2 FOLDER (see --help)")
    report = {"threads": args.threads, "rounds": args.rounds, "steps": args.steps, "warmup": args.warmup, "peers": PEERS,
              "cpu": cpu(), "probes": {}, "rows": rows}
    for name, row in wanted.items():
        isa = row[5]
        if str(isa) not in report["probes"]:
            report["probes"][str(isa)] = bench.probe(isa)
            print(f"  torch held to {isa}: {report['probes'][str(isa)]}", file=sys.stderr, flush=True)
        rows.append(bench.row(name, *row))
        if args.json:
            Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    print(table(rows))
    ours = [a for row in rows for key, a in row["results"].items() if key.startswith("glassworks")]
    sys.exit(0 if all(a["equal"] for a in ours) else "losses differ")


def qlora(args):
    """Peak memory of an adapter on quantised weights, against the same on those weights in f32."""
    work = Bench(args).inputs(args.model, args.case, args.batch, args.length)
    results = []
    for model in [args.gguf, args.model]:
        result, _ = child([args.glassworks, "--model", model, *work, "--steps", args.steps, "--warmup", args.warmup,
                           "--precision", args.precision], args.threads)
        results.append(result)
        print(f"{Path(model).name}: {result['rss'] / 1e9:.2f} GB, {result['tokens_per_sec']:.0f} tokens/s, "
              f"losses {' '.join(f'{loss:.4f}' for loss in result['losses'])}")
    quantised, dense = results
    difference = max(abs(a - b) for a, b in zip(quantised["losses"], dense["losses"], strict=True))
    print(f"memory {quantised['rss'] / dense['rss']:.2f} (bar 0.4, reach 0.25), losses within {difference:.1e}")
    sys.exit(0 if difference <= TOLERANCE[args.precision] else "losses differ")


# --- command line -------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, function, **more):
        p = commands.add_parser(name, **more)
        p.set_defaults(function=function)
        p.add_argument("--scratch", default=REPOSITORY / ".scratch" / "compare", help="holds the peers and the inputs")
        p.add_argument("--threads", type=int, default=2)
        return p

    def shape(p, required, batch=4, length=256):
        p.add_argument("--model", required=required)
        p.add_argument("--case", choices=["lora-qv", "lora-all", "full"], default="lora-qv")
        p.add_argument("--batch", type=int, default=batch)
        p.add_argument("--length", type=int, default=length)

    def count(p, steps, warmup):
        p.add_argument("--steps", type=int, default=steps)
        p.add_argument("--warmup", type=int, default=warmup)

    command("setup", install, help="installs the peers")
    p = command("prepare", prepare, help="writes a checkpoint folder")
    p.add_argument("source", help="a GGUF file, or gpt2-124m")
    p.add_argument("folder")
    p.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    p = command("synthetic", synthetic, help="writes a quantised model of random weights")
    p.add_argument("source", help="a Llama GGUF whose tokenizer it takes")
    p.add_argument("target", help="the GGUF file to write")
    p = command("run", bench, help="measures")
    shape(p, required=False)
    count(p, 5, 2)
    p.add_argument("--glassworks", help="the program to measure")
    p.add_argument("--smollm2", help="checkpoint folder of SmolLM2-135M")
    p.add_argument("--gpt2", help="checkpoint folder of GPT-2's shape")
    p.add_argument("--rows", nargs="+", choices=ROWS)
    p.add_argument("--precision", choices=TOLERANCE, default="fast")
    p.add_argument("--isa", choices=[key for key in CAPS if key])
    p.add_argument("--ways", nargs="+", choices=WAYS, help="of torch; otherwise its fastest is found first")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--patience", type=int, default=1, help="so often a run is repeated while others use the machine")
    p.add_argument("--recompute", action="store_true", help="measure Glassworks in that setting too")
    p.add_argument("--json")
    p = command("qlora", qlora, help="peak memory on quantised weights")
    shape(p, required=True, batch=1, length=128)
    count(p, 2, 1)
    p.add_argument("--glassworks", required=True)
    p.add_argument("--gguf", required=True)
    p.add_argument("--precision", choices=TOLERANCE, default="exact")
    # What the others start in the scratch environment.
    p = command("inputs", inputs)
    shape(p, required=True)
    p.add_argument("--out", required=True)
    p = command("train", train)
    shape(p, required=True)
    count(p, 2, 1)
    p.add_argument("--tokens", required=True)
    p.add_argument("--adapter")
    p.add_argument("--way", choices=WAYS, default="f32")
    command("probe", probe)

    args = parser.parse_args()
    args.scratch = Path(args.scratch).resolve()
    if args.function in (prepare, synthetic) and "torch" not in sys.modules and sys.prefix == sys.base_prefix:
        sys.exit(subprocess.call([python(args), *sys.argv]))
    args.function(args)


if __name__ == "__main__":
    main()
