#!/usr/bin/env python3
"""Between the runs of the starter model, and after them.

    python assets/starter/make/pack.py stage RUN FOLDER       makes a model of a run's newest checkpoint
    python assets/starter/make/pack.py turns RESULT FOLDER    gives the pre-trained model a chat template
    python assets/starter/make/pack.py ship RESULT            puts the tuned model into assets/starter, in float16

RUN is a run's folder, RESULT the one in it that it has made. Needs Python alone.
"""
import json
import shutil
import struct
import sys
from pathlib import Path

STARTER = Path(__file__).resolve().parents[1]
FILES = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
# ChatML, as the tokenizer has tokens for it.
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
END_OF_TEXT, END_OF_TURN = 0, 2


def change(path, **fields):
    value = json.loads(path.read_text())
    value.update(fields)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def stage(run, folder):
    folder.mkdir(parents=True)
    for name in FILES[:-1]:
        shutil.copy(run / "base" / name, folder / name)
    blob = (run / "last" / "weights.safetensors").read_bytes()
    n = struct.unpack("<Q", blob[:8])[0]
    header = json.loads(blob[8:8 + n])
    header["__metadata__"] = {"format": "pt"}
    for entry in header.values():
        # A checkpoint has the weights of norms as rows.
        if len(entry.get("shape", [])) == 2 and entry["shape"][0] == 1:
            entry["shape"] = entry["shape"][1:]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / FILES[-1]).write_bytes(struct.pack("<Q", len(text)) + text + blob[8 + n:])


def turns(result, folder):
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(result / name, folder / name)
    change(folder / "tokenizer_config.json", chat_template=TEMPLATE)
    change(folder / "generation_config.json", eos_token_id=[END_OF_TEXT, END_OF_TURN])


def ship(result):
    for name in FILES[:-1]:
        shutil.copyfile(result / name, STARTER / name)
    change(STARTER / "config.json", torch_dtype="float16")
    change(STARTER / "generation_config.json", do_sample=True, temperature=0.7, top_p=0.9)
    blob = (result / FILES[-1]).read_bytes()
    n = struct.unpack("<Q", blob[:8])[0]
    header, data = json.loads(blob[8:8 + n]), blob[8 + n:]
    header.pop("__metadata__", None)
    made, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        count = (end - begin) // 4
        parts.append(struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", data[begin:end])))
        made[name] = {"dtype": "F16", "shape": entry["shape"], "data_offsets": [at, at + 2 * count]}
        at += 2 * count
    text = json.dumps(made).encode()
    text += b" " * (-len(text) % 8)
    (STARTER / FILES[-1]).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


if __name__ == "__main__":
    if sys.argv[1] == "stage":
        stage(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1] == "turns":
        turns(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1] == "ship":
        ship(Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
