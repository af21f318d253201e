#!/usr/bin/env python3
"""Hands the program broken models: copies of good ones with bytes changed, cut off or grown.

    tests/slow/mangle.py PROGRAM [--rounds N] [--seed N]

Each copy must be used or refused: exit code 0, or 2 or 1 with a line on stderr. A panic, an abort, a hang, or
more memory than a small model can want is a failure, and its copy is kept for looking into.
"""

import argparse
import json
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "tests/engine/fixtures"
MEMORY_BYTES = 3 << 30
TIMEOUT_SECS = 60
WEIGHTS = {".safetensors", ".gguf", ".bin"}


def models():
    """Every small model of the repository: folders with a config, and GGUF files."""
    found = [ROOT / "assets/starter"]
    found += [path.parent for path in FIXTURES.glob("*/config.json")]
    found += [path for path in FIXTURES.rglob("*.gguf") if path.stat().st_size < 4_000_000]
    return sorted(found)


def mangled(data, dice):
    """One way of breaking a file; headers are hit more often than weights."""
    data = bytearray(data)
    reach = len(data) if dice.random() < 0.3 else min(len(data), 4096)
    for _ in range(dice.choice([1, 1, 2, 8])):
        at = dice.randrange(max(1, reach))
        match dice.randrange(6):
            case 0:
                data[at:at + 1] = bytes([dice.randrange(256)])
            case 1:
                data[at:at + 8] = struct.pack("<Q", dice.choice([0, 1, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1]))
            case 2:
                del data[at:]
            case 3:
                del data[at:at + dice.randrange(1, 64)]
            case 4:
                data[at:at] = data[at:at + dice.randrange(1, 64)]
            case 5:
                data[at:at] = dice.choice([b"99999999999", b'"', b"{", b"]", b"-1", b"null", b"1e999", b"\xff"])
        reach = min(reach, len(data))
    return bytes(data)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def writes(model):
    """Whether it is made to write, and not to sort texts."""
    try:
        names = json.loads((model / "config.json").read_bytes()).get("architectures") or []
    except (OSError, ValueError, AttributeError):
        return True
    return not any(str(name).endswith("ForSequenceClassification") for name in names)


def tried(program, model, home):
    """The last exit code, and what is wrong with how the program took this model, or None."""
    commands = [["models", "info", str(model)]]
    if writes(model):
        commands.append(["generate", "--model", str(model), "--prompt", "a", "--max-new-tokens", "2"])
    for command in commands:
        try:
            run = subprocess.run(
                [program, "--home", home, *command],
                capture_output=True, timeout=TIMEOUT_SECS, preexec_fn=limit, stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None, f"{command[0]}: still running after {TIMEOUT_SECS} s"
        said = run.stderr.decode(errors="replace")
        if run.returncode not in (0, 1, 2) or "panicked" in said or "RUST_BACKTRACE" in said:
            return run.returncode, f"{command[0]}: exit code {run.returncode}: {said[-600:]}"
        if run.returncode and not said.strip():
            return run.returncode, f"{command[0]}: exit code {run.returncode} and not a word why"
    return run.returncode, None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    sources, problems, used = models(), [], 0
    with tempfile.TemporaryDirectory() as home:
        for source in sources:
            # Files of vocabularies and of single block types are no whole models.
            whole = source.is_dir() or source.name.startswith("llama-")
            code, problem = tried(options.program, source, home)
            if problem or whole and code:
                problems.append(f"{source}, unbroken: exit code {code}: {problem}")
        for round_number in range(options.rounds):
            source = dice.choice(sources)
            folder = Path(tempfile.mkdtemp(prefix="mangled-"))
            copy = folder / source.name
            if source.is_dir():
                shutil.copytree(source, copy)
                files = sorted(path for path in copy.iterdir() if path.suffix in WEIGHTS | {".json"} and "golden" not in path.name)
                victim = dice.choice(files)
            else:
                shutil.copy(source, copy)
                victim = copy
            victim.write_bytes(mangled(victim.read_bytes(), dice))
            code, problem = tried(options.program, copy, home)
            used += code == 0
            if problem:
                problems.append(f"round {round_number}, {copy}, {victim.name}: {problem}")
            else:
                shutil.rmtree(folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    refused = options.rounds - used
    print(f"{options.rounds} broken copies of {len(sources)} models: {used} usable all the same, {refused} refused, "
          f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
