#!/usr/bin/env python3
"""Inference side by side with llama.cpp and transformers: same weights, same threads, alternating, outputs checked.

    inference.py setup                            # once: the peers, in a scratch folder (about 8 GB)
    inference.py prepare SMOLLM2.Q4_1.gguf        # once: the models of all rows, beside them
    inference.py run --glassworks PROGRAM [--rows q4_1 …] [--json FILE]
    inference.py check --glassworks PROGRAM       # greedy tokens in Exact against transformers in f32

`run` without `--glassworks` measures the peers alone; `check` is part of a whole `run`.

llama.cpp comes from llama-cpp-python's source archive, once for the machine as it is (with AMX where there is any) and
once for each instruction set that a row holds both sides to. `setup` puts a compiler barrier before the only place that
loads an AMX tile configuration: gcc 12 drops the stores to it otherwise, and the first product faults.
Q4_0 and Q8_0 are made of the Q4_1 file by llama.cpp itself; the 630 million weights in Q4_K_M are random
(`compare.py synthetic`); the folders hold the weights of the Q4_1 file, dequantised (`compare.py prepare`).

PROGRAM is called as

    PROGRAM --home FOLDER bench --model PATH --json --threads 2 --precision exact|fast --prompt 512 --new 128
            [--batch 8]

with `GLASSWORKS_ISA` set where a row holds both sides to an instruction set, and prints one line of JSON a case:

    {"case": "prefill"|"decode", "batch": 1, "context": 512, "tokens_per_sec": x, "isa": "...", "precision": "...", …}

The `tokens_per_sec` of a batch are those of all its sequences together. A peer's run: a prompt of 512 tokens read and eight
written to warm up; then `--repeats` times from an empty cache the prompt read in one go, only its last logits wanted,
and 128 tokens written one by one, each the likeliest. Finding the likeliest is not timed. Caches are as large as that
takes, everything else is as the peer has it by default.
Memory is the largest resident set of the process: ours whole, llama.cpp's without what Python held before it.
"""
import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import types
from pathlib import Path

from peers import CAPS, PEERS, REPOSITORY, against, child, cpu, install, python, tell, texts, undisturbed

LLAMA = "llama-cpp-python==0.3.36"
TOOLS = ["cmake==4.4.5", "ninja==1.13.2"]
# How llama.cpp is built for each instruction set. "avx512" has all that ggml knows short of AMX.
AVX2 = ["SSE42", "AVX", "AVX2", "BMI2", "FMA", "F16C"]
BUILDS = {
    None: [],
    "avx2": AVX2,
    "avx512": [*AVX2, "AVX512", "AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"],
}
BARRIER = '__asm__ volatile("" ::: "memory");'
MODELS = {"q4_1": "q4_1.gguf", "q4_0": "q4_0.gguf", "q8_0": "q8_0.gguf", "q4_k_m": "q4_k_m.gguf", "bf16": "bf16",
          "f32": "f32"}
# name: model, peer, instruction set, sequences; by what is compared, the least and the reached-for ratio. Less memory is
# better, more of anything else. Of several sequences the ratio is to one sequence on our own side.
ROWS = {
    "q4_1": ("q4_1", "llama.cpp", None, 1, {"decode": (0.95, 1.1), "prefill": (1.2, 1.8), "memory": (1.0, 0.8)}),
    "q4_0": ("q4_0", "llama.cpp", None, 1, {"decode": (0.95, 1.1)}),
    "q8_0": ("q8_0", "llama.cpp", None, 1, {"decode": (0.95, 1.1)}),
    "q4_k_m": ("q4_k_m", "llama.cpp", None, 1, {"decode": (1.3, 1.6), "prefill": (1.2, 1.8)}),
    "avx2": ("q4_1", "llama.cpp", "avx2", 1, {"decode": (1.2, 1.8), "prefill": (1.0, 1.3)}),
    "avx512": ("q4_1", "llama.cpp", "avx512", 1, {"decode": (1.5, 2.2), "prefill": (1.2, 1.8)}),
    "bf16": ("bf16", "transformers", None, 1, {"decode": (2.0, 2.5), "prefill": (0.8, 1.1)}),
    "batch": ("q4_1", "llama.cpp", None, 8, {"decode": (3.0, 5.0)}),
}
# What must agree with transformers in f32, and on which folder.
CHECKS = {"bf16": "bf16", "q4_1": "f32"}
CHECKED = "Rust is a programming language that"
N_CHECKED = 64
TIE = 1e-3  # logits nearer than this may change places by rounding
WARM_UP = 8


# --- setup and models ---------------------------------------------------------

def llama_source(args):
    return args.scratch / "llama.cpp" / "source"


def llama_build(args, isa):
    return args.scratch / "llama.cpp" / (isa or "native")


def setup(args):
    install(args, TOOLS)
    source = llama_source(args)
    if not source.exists():
        subprocess.check_call([python(args), "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir",
                               "--no-binary", "llama-cpp-python", "-d", source.parent, LLAMA])
        unpack(next(source.parent.glob("*.tar.gz")), source)
    native = llama_build(args, None)
    build(args, None, "llama")
    for isa in [isa for isa in BUILDS if isa]:
        build(args, isa, "ggml-cpu")  # all that an instruction set makes a difference to; the rest is as in the first
        for name in ["libllama.so", "libggml.so"]:
            for file in (native / "bin").glob(f"{name}*"):
                shutil.copy2(file, llama_build(args, isa) / "bin" / file.name, follow_symlinks=False)


def unpack(archive, source):
    """The archive's only folder becomes `source`, with the barrier in it."""
    new = source.with_name("new")
    shutil.rmtree(new, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(new, filter="data")
    folder, = new.iterdir()
    file = folder / "vendor/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp"
    before, load, after = file.read_text().partition("    _tile_loadconfig(")
    assert load and "_tile_loadconfig(" not in after, "the tile configuration is loaded elsewhere now"
    file.write_text(f"{before}    {BARRIER}\n{load}{after}")
    folder.rename(source)
    new.rmdir()


def build(args, isa, target):
    folder, tools = llama_build(args, isa), python(args).parent
    names = BUILDS[isa]
    options = {"CMAKE_BUILD_TYPE": "Release", "CMAKE_MAKE_PROGRAM": tools / "ninja", "BUILD_SHARED_LIBS": "ON",
               "CMAKE_BUILD_RPATH_USE_ORIGIN": "ON", "GGML_NATIVE": "OFF" if names else "ON",
               **{f"GGML_{name}": "ON" for name in names},
               **{f"LLAMA_BUILD_{part}": "OFF" for part in ["COMMON", "TESTS", "TOOLS", "EXAMPLES", "SERVER", "APP"]}}
    subprocess.check_call([tools / "cmake", "-S", llama_source(args) / "vendor" / "llama.cpp", "-B", folder,
                           "-G", "Ninja", *(f"-D{key}={value}" for key, value in options.items())])
    subprocess.check_call([tools / "cmake", "--build", folder, "--target", target, "-j", str(args.jobs)])


def prepare(args):
    """All models of the rows, and the prompt."""
    folder = args.scratch / "models"
    folder.mkdir(parents=True, exist_ok=True)
    q4_1 = folder / MODELS["q4_1"]

    def compare(*command):
        subprocess.check_call([python(args), Path(__file__).with_name("compare.py"), *map(str, command),
                               "--scratch", args.scratch])

    def make(key, how):
        if not (folder / MODELS[key]).exists():
            print(f"  {MODELS[key]}", file=sys.stderr, flush=True)
            new = folder / f"new-{MODELS[key]}"
            how(new)
            new.rename(folder / MODELS[key])

    make("q4_1", lambda new: shutil.copyfile(args.source, new))
    for key in ["q4_0", "q8_0"]:
        make(key, lambda new: subprocess.check_call(
            [python(args), __file__, "quantise", q4_1, new, key, "--scratch", args.scratch]))
    make("q4_k_m", lambda new: compare("synthetic", q4_1, new))
    make("bf16", lambda new: compare("prepare", q4_1, new))
    make("f32", lambda new: compare("prepare", q4_1, new, "--dtype", "float32"))
    subprocess.check_call([python(args), __file__, "prompt", "--scratch", args.scratch])


# --- the peers' side (runs inside the scratch environment) --------------------

def prompt(args):
    """Writes the ids that the peers read, of real text, and those of the words that `check` continues."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(args.scratch / "models" / MODELS["bf16"] / "tokenizer.json"))
    ids = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    (args.scratch / "models" / "prompt.json").write_text(json.dumps({"prompt": ids(texts()), "check": ids(CHECKED)}))


def read_prompt(args, key="prompt"):
    return json.loads((args.scratch / "models" / "prompt.json").read_text())[key]


def resident(key):
    """Bytes: VmRSS, what the process holds; VmHWM, the most it has held."""
    line, = (line for line in open("/proc/self/status") if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def low_level(args, log):
    """llama.cpp's C interface as llama-cpp-python declares it, from the build for `--isa`. What it says goes to `log`."""
    os.environ["LLAMA_CPP_LIB_PATH"] = str(llama_build(args, args.isa) / "bin")
    package = types.ModuleType("llama_cpp")  # without the parts above the C interface and all that they import
    package.__path__ = [str(llama_source(args) / "llama_cpp")]
    sys.modules["llama_cpp"] = package
    from llama_cpp import llama_cpp as c
    say = c.llama_log_callback(lambda level, text, data: log.append(text.decode("utf-8", "replace")))
    c.llama_log_set(say, None)
    c.keep = say  # as long as the library may call it
    c.llama_backend_init()
    return c


def quantise(args):
    c = low_level(args, [])
    how = c.llama_model_quantize_default_params()
    how.nthread, how.allow_requantize = args.threads, True
    how.ftype = {"q4_0": c.LLAMA_FTYPE_MOSTLY_Q4_0, "q8_0": c.LLAMA_FTYPE_MOSTLY_Q8_0}[args.type]
    failed = c.llama_model_quantize(os.fsencode(args.source), os.fsencode(args.target), ctypes.byref(how))
    sys.exit("llama_model_quantize failed" if failed else 0)


def llama(args):
    import numpy as np
    ids, n = read_prompt(args)[:args.prompt], args.batch
    log, before = [], resident("VmRSS")
    c = low_level(args, log)
    model = c.llama_model_load_from_file(os.fsencode(args.model), c.llama_model_default_params())
    assert model, "".join(log)
    n_vocab = c.llama_vocab_n_tokens(c.llama_model_get_vocab(model))
    how = c.llama_context_default_params()
    how.n_ctx, how.n_batch, how.n_ubatch, how.n_seq_max = n * (args.prompt + args.new), args.prompt, args.prompt, n
    how.n_threads = how.n_threads_batch = args.threads
    context = c.llama_init_from_model(model, how)
    assert context, "".join(log)
    memory = c.llama_get_memory(context)
    batch = c.llama_batch_init(args.prompt, 0, 1)

    def step(rows):
        """(token, position, sequence, whether its logits are wanted)…: seconds, and the likeliest token of those."""
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        start = time.perf_counter()
        assert c.llama_decode(context, batch) == 0, "".join(log)
        logits = [c.llama_get_logits_ith(context, i) for i, row in enumerate(rows) if row[3]]
        return time.perf_counter() - start, [int(np.ctypeslib.as_array(row, (n_vocab,)).argmax()) for row in logits]

    def once(n_new):
        """Seconds of the prompt (of all sequences) and of what is written, and the first sequence's tokens."""
        c.llama_memory_clear(memory, False)
        read, write, written, last = 0.0, 0.0, [], []
        for sequence in range(n):
            secs, (token,) = step([(id, i, sequence, i + 1 == len(ids)) for i, id in enumerate(ids)])
            read += secs
            last.append(token)
        for position in range(len(ids), len(ids) + n_new):
            written.append(last[0])
            secs, last = step([(token, position, sequence, True) for sequence, token in enumerate(last)])
            write += secs
        return read, write, written

    about = {"isa": c.llama_print_system_info().decode(),
             "loaded": [line.split(": ", 1)[-1].strip() for line in log if "buffer size" in line or "Flash" in line],
             "threads": c.llama_n_threads(context)}
    report(args, once, about, lambda: resident("VmHWM") - before)


def transformers(args):
    import torch
    from compare import load
    torch.set_num_threads(args.threads)
    ids, n = read_prompt(args)[:args.prompt], args.batch
    model = load(args.model, args.dtype).eval()

    def step(tokens, cache):
        start = time.perf_counter()
        out = model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        secs = time.perf_counter() - start
        return secs, out.logits[:, -1:].argmax(-1), out.past_key_values

    def once(n_new):
        read, last, cache = step(torch.tensor([ids] * n), None)
        write, written = 0.0, []
        for _ in range(n_new):
            written.append(last[0].item())
            secs, last, cache = step(last, cache)
            write += secs
        return read, write, written

    with torch.inference_mode():
        report(args, once, {"isa": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()},
               lambda: resident("VmHWM"))


def report(args, once, about, peak):
    """Warms up, measures, and prints the lines that Glassworks prints too."""
    once(WARM_UP)
    runs = [once(args.new) for _ in range(args.repeats)]
    assert all(written == runs[0][2] for _, _, written in runs), "not the same tokens every time"
    for case, count, which in [("prefill", args.prompt, 0), ("decode", args.new, 1)]:
        speeds = [args.batch * count / run[which] for run in runs]
        print(json.dumps({"case": case, "batch": args.batch, "context": args.prompt,
                          "tokens_per_sec": statistics.median(speeds), "runs": speeds, "precision": args.dtype,
                          "peak_rss_bytes": peak(), "ids": runs[0][2], **about}))


def greedy(args):
    """The tokens that `check` wants to see, and how far apart the likeliest two were at each."""
    import torch
    from compare import load
    torch.set_num_threads(args.threads)
    model = load(args.model, "float32").eval()
    ids, written, gaps = read_prompt(args, "check"), [], []
    with torch.inference_mode():
        out = model(input_ids=torch.tensor([ids]), use_cache=True)
        for _ in range(N_CHECKED):
            best = out.logits[0, -1].topk(2)
            written.append(best.indices[0].item())
            gaps.append((best.values[0] - best.values[1]).item())
            out = model(input_ids=best.indices[None, :1], past_key_values=out.past_key_values, use_cache=True)
    print(json.dumps({"prompt": ids, "ids": written, "gaps": gaps}))


# --- both sides ---------------------------------------------------------------

class Bench:
    def __init__(self, args):
        self.args = args
        self.python = python(args)
        if not (args.scratch / "models" / "prompt.json").exists():
            sys.exit(f"no models in {args.scratch}: run `{Path(__file__).name} prepare` first")

    def model(self, key):
        return self.args.scratch / "models" / MODELS[key]

    def peer(self, *command, **environment):
        return child([self.python, __file__, *command, "--scratch", self.args.scratch, "--threads", self.args.threads],
                     self.args.threads, **environment)

    def ours(self, *command, **environment):
        return child([self.args.glassworks, "--home", self.args.scratch / "home", *command], self.args.threads,
                     **environment)

    def row(self, name, model, peer, isa, batch, bars):
        """The runs of a row, and by what is compared: both sides' medians, their ratio and its bar."""
        args, path, runs = self.args, self.model(model), {}
        work = ["--prompt", args.prompt, "--new", args.new]

        def once(key, n):
            if key.startswith("ours"):
                cap = {} if isa is None else {"GLASSWORKS_ISA": isa}
                result, output = self.ours("bench", "--model", path, "--json", "--threads", args.threads,
                                           "--precision", key.split()[1], *work,
                                           *(["--batch", n] if n > 1 else []), **cap)
            else:
                how = ["--isa", isa] if isa and peer == "llama.cpp" else []
                cap = CAPS[isa] if peer == "transformers" else {}
                result, output = self.peer(COMMANDS[peer], "--model", path, "--batch", n, "--repeats", args.repeats,
                                           *work, *how, **cap)
            cases = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
            result["cases"] = {case["case"]: case for case in cases}
            assert set(result["cases"]) == {"prefill", "decode"} and result["cases"]["decode"]["batch"] == n, output
            if key.startswith("ours"):
                if isa is not None:
                    assert all(case["isa"] == isa for case in cases), f"not held to {isa}: {output}"
                result["memory"] = result["rss"]
            else:
                result["memory"] = result["cases"]["decode"]["peak_rss_bytes"]
            prefill, decode = (result["cases"][case]["tokens_per_sec"] for case in ("prefill", "decode"))
            tell(name, f"{key}, {n} at once" if batch > 1 else key,
                 f"prefill {prefill:.0f}, decode {decode:.1f} tokens/s, {result['memory'] / 1e6:.0f} MB", result)
            return result

        sides = [f"ours {precision}" for precision in args.precision if args.glassworks] + [peer]
        for _ in range(args.rounds):
            for key in sides:
                for n in sorted({1, batch}):
                    result = undisturbed(lambda: once(key, n), args.patience)
                    runs.setdefault(f"{key} {n}", []).append(result)

        def middle(key, what):
            found = [run["memory"] if what == "memory" else run["cases"][what]["tokens_per_sec"] for run in runs[key]]
            return {"median": statistics.median(found), "least": min(found), "most": max(found)}

        about = {}
        for what in ["prefill", "decode", "memory"]:
            about[what] = {key: middle(key, what) for key in runs}
            for precision in [side for side in sides if side != peer]:
                other = f"{precision} 1" if batch > 1 else f"{peer} 1"
                mine = about[what][f"{precision} {batch}"]
                mine["ratio"] = mine["median"] / about[what][other]["median"]
        return {"row": name, "model": MODELS[model], "peer": peer, "isa": isa, "batch": batch, "bars": bars,
                "results": about, "runs": runs,
                "disturbed": sum(r["disturbed"] for kept in runs.values() for r in kept),
                "n_runs": sum(map(len, runs.values()))}

    def check(self, key, folder):
        """How many greedy tokens are those of transformers in f32. A tie within `TIE` may go either way and ends it."""
        theirs, _ = self.peer("greedy", "--model", self.model(folder))
        found = {"model": MODELS[key], "tokens": N_CHECKED}
        for precision in self.args.precision:
            _, output = self.ours("generate", "--model", self.model(key), "--prompt", CHECKED, "--temperature", 0,
                                  "--ignore-eos", "--max-new-tokens", N_CHECKED, "--precision", precision, "--json")
            lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
            assert lines[-1]["n_prompt"] == len(theirs["prompt"]), "the prompt is not the same tokens on both sides"
            mine = [line["token"] for line in lines if "token" in line]
            assert len(mine) == N_CHECKED, output
            same = next((i for i in range(N_CHECKED) if mine[i] != theirs["ids"][i]), N_CHECKED)
            found[precision] = {"same": same, "equal": same == N_CHECKED or theirs["gaps"][same] < TIE}
        return found


def met(what, ratio, bar):
    """Which of the two the ratio reaches."""
    least, reach = bar
    reaches = lambda bound: ratio <= bound if what == "memory" else ratio >= bound
    return "reached" if reaches(reach) else "met" if reaches(least) else "MISSED"


def table(rows):
    """A line for each bar of a row, Fast and Exact beside the peer."""
    def speed(what, side):
        if side is None:
            return "–"
        scale, unit = (1e6, " MB") if what == "memory" else (1, "")
        digits = 0 if what != "decode" else 1
        return (f"{side['median'] / scale:.{digits}f}{unit} "
                f"({side['least'] / scale:.{digits}f}–{side['most'] / scale:.{digits}f})")

    lines = ["| case | Fast: tokens/s (spread) | Exact | peer | Fast to the peer | bar | Exact to the peer | disturbed |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        held, n = f", held to {row['isa']}" if row["isa"] else "", row["batch"]
        for what, bar in row["bars"].items():
            about = row["results"][what]
            fast, exact = (about.get(f"ours {precision} {n}") for precision in ("fast", "exact"))
            theirs = about[f"{row['peer']} {n}"]
            many = f", {n} sequences, ratios to 1 on the same side" if n > 1 else ""
            cells = [f"{row['model']} {what}{held}{many}", speed(what, fast), speed(what, exact),
                     f"{row['peer']} {speed(what, theirs)}",
                     against(fast["ratio"], bar) if fast else "–",
                     met(what, fast["ratio"], bar) if fast else "–",
                     f"{exact['ratio']:.2f}" if exact else "–",
                     f"{row['disturbed']} of {row['n_runs']} runs"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(args):
    bench = Bench(args)
    report = {"threads": args.threads, "rounds": args.rounds, "repeats": args.repeats, "prompt": args.prompt,
              "new": args.new, "cpu": cpu(), "peers": [LLAMA, *PEERS], "rows": [], "checks": []}

    def keep():
        if args.json:
            Path(args.json).write_text(json.dumps(report, indent=1) + "\n")

    for name in args.rows or ROWS:
        row = bench.row(name, *ROWS[name])
        report["rows"].append(row)
        theirs = row["runs"][f"{row['peer']} 1"][0]["cases"]["decode"]
        print(f"  {name}: {row['peer']} runs on {theirs['isa']} {theirs.get('loaded', '')}", file=sys.stderr, flush=True)
        keep()
    if args.glassworks and not args.rows:
        report["checks"] = checks(bench)
        keep()
    print(table(report["rows"]))
    ended(report["checks"])


def checks(bench):
    found = [bench.check(*pair) for pair in CHECKS.items()]
    for check in found:
        print(f"  {check['model']}: of {check['tokens']} greedy tokens the first " +
              ", ".join(f"{check[precision]['same']} in {precision}" for precision in bench.args.precision) +
              " are those of transformers in f32", file=sys.stderr, flush=True)
    return found


def ended(found):
    sys.exit(0 if all(check.get("exact", {"equal": True})["equal"] for check in found) else "tokens differ in Exact")


def check(args):
    ended(checks(Bench(args)))


# --- command line -------------------------------------------------------------

COMMANDS = {"llama.cpp": "llama", "transformers": "transformers"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, function, **more):
        p = commands.add_parser(name, **more)
        p.set_defaults(function=function)
        p.add_argument("--scratch", default=REPOSITORY / ".scratch" / "compare", help="holds the peers and the models")
        p.add_argument("--threads", type=int, default=2)
        return p

    def shape(p):
        p.add_argument("--prompt", type=int, default=512)
        p.add_argument("--new", type=int, default=128)
        p.add_argument("--repeats", type=int, default=3, help="of a peer within one process; the median counts")

    def sides(p, required):
        p.add_argument("--glassworks", required=required, help="the program to measure")
        p.add_argument("--precision", nargs="+", choices=["fast", "exact"], default=["fast", "exact"])

    p = command("setup", setup, help="installs and builds the peers")
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at the same time")
    p = command("prepare", prepare, help="makes the models")
    p.add_argument("source", help="SmolLM2-135M in Q4_1")
    p = command("run", run, help="measures")
    sides(p, required=False)
    shape(p)
    p.add_argument("--rows", nargs="+", choices=ROWS)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--patience", type=int, default=1, help="so often a run is repeated while others use the machine")
    p.add_argument("--json")
    p = command("check", check, help="compares greedy tokens")
    sides(p, required=True)
    # What the others start in the scratch environment.
    p = command("prompt", prompt)
    p = command("quantise", quantise)
    p.add_argument("source")
    p.add_argument("target")
    p.add_argument("type", choices=["q4_0", "q8_0"])
    p.set_defaults(isa=None)
    p = command("llama", llama)
    p.add_argument("--model", required=True)
    p.add_argument("--isa", choices=[isa for isa in BUILDS if isa])
    p.add_argument("--batch", type=int, default=1)
    p.set_defaults(dtype="as stored")
    shape(p)
    p = command("transformers", transformers)
    p.add_argument("--model", required=True)
    p.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    p.add_argument("--batch", type=int, default=1)
    shape(p)
    p = command("greedy", greedy)
    p.add_argument("--model", required=True)

    args = parser.parse_args()
    args.scratch = Path(args.scratch).resolve()
    args.function(args)


if __name__ == "__main__":
    main()
