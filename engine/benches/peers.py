"""What the side-by-side measurements share: the peers' environment, and runs of both sides watched in the same way."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = ["torch==2.15.0", "transformers==5.23.0", "peft==0.21.2", "tokenizers==0.23.3", "safetensors==0.8.0",
         "numpy==2.4.6", "gguf==0.19.0"]
# How torch is held to an instruction set ("avx512": everything but AMX). `compare.py` shows whether it took.
CAPS = {
    None: {},
    "amx": {},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_FP16",
               "MKL_ENABLE_INSTRUCTIONS": "AVX512_E3"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}


def busy():
    """Seconds of CPU time that anything on the machine has used."""
    v = list(map(int, open("/proc/stat").readline().split()[1:]))
    return (v[0] + v[1] + v[2] + v[5] + v[6]) / os.sysconf("SC_CLK_TCK")


def child(command, threads, **environment):
    """Runs on as many CPUs as threads; its last line of JSON with what it cost, and all that it printed."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    n = str(threads)
    environment = {**os.environ, "OMP_NUM_THREADS": n, "MKL_NUM_THREADS": n, "RAYON_NUM_THREADS": n,
                   "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore", **environment}
    before, start = busy(), time.time()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, env=environment,
                               preexec_fn=lambda: os.sched_setaffinity(0, cpus))
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall, own = time.time() - start, usage.ru_utime + usage.ru_stime
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {' '.join(map(str, command))}")
    lines = [line for line in output.splitlines() if line.startswith("{")]
    others = max(0.0, busy() - before - own)
    return {**(json.loads(lines[-1]) if lines else {}), "rss": usage.ru_maxrss * 1024, "wall": wall, "own_cpu": own,
            "others_cpu": others, "disturbed": others > 0.1 * wall * os.cpu_count()}, output


def undisturbed(once, patience):
    """What `once` says, asked again (so often as `patience` says) while others use the machine."""
    for left in reversed(range(patience + 1)):
        result = once()
        if not result["disturbed"] or not left:
            return result


def tell(name, key, what, result):
    """One line about a run, for whoever watches."""
    print(f"  {name}: {key}: {what}, others' CPU {result['others_cpu']:.0f} s of {result['wall']:.0f} s"
          f"{' (disturbed)' if result['disturbed'] else ''}", file=sys.stderr, flush=True)


def against(ratio, bar):
    return f"{ratio:.2f}" + (f" (bar {bar[0]}, reach {bar[1]})" if bar else "")


def cpu():
    return next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))


def texts():
    """Some thousand words that both sides read."""
    return "".join((REPOSITORY / name).read_text("utf-8") for name in ["LICENSE-APACHE", "ARCHITECTURE.md"])


def python(args):
    path = Path(args.scratch) / "venv" / "bin" / "python"
    if not path.exists():
        sys.exit(f"no peers in {args.scratch}: run `{Path(sys.argv[0]).name} setup` first")
    return path


def install(args, more=()):
    """Makes the environment that `python` finds."""
    venv = Path(args.scratch) / "venv"
    subprocess.check_call([sys.executable, "-m", "venv", venv])
    subprocess.check_call([venv / "bin" / "python", "-m", "pip", "install", "-q", "--no-cache-dir", *PEERS, *more])
