"""What may be wrong in a run folder. Each kind changes a folder of `whole_run`, of which bait lies outside."""

import io
import json
import os
import random
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
from PIL import Image

from ganlab.runs.folder import RunFolder
from tests.hostile.weights import seal
from tests.hostile.whole_run import STEPS, arrays_of, weight_file, write_manifest
from tests.hostile.wrong_values import ESCAPES, OTHERS, TEXTS, changed_bytes, changed_json
from tests.storage.test_hdf5 import REFUSED

JSONS = ("status.json", "summary.json", "environment.json")
TYPES = [
    "<f4",
    "|V0",
    "<U0",
    "|S0",
    "|O",
    "<f2",
    ">f8",
    "<c16",
    "<M8[ns]",
    "|b1",
    "<U100000",
    "|V2147483647",
    "nonsense",
]
RECORDS = ["(1000000,)<f4", [("a", "<f4"), ("b", "|O")], [("x", "<f4", (100000000,))], 7, None]
SHAPES = [
    "(4, 6)",
    "()",
    "(-1,)",
    "(0,)",
    "(0, 99999999999)",
    "(True,)",
    "('a',)",
    "(1.5,)",
    "4",
    f"({2**31}, {2**31})",
]
SHAPES += [f"({10**30},)", f"({10**11},)", "(1," * 40 + ")" * 40, f"({'1, ' * 70})", "None", "[4, 6]"]
HEADERS = ["{}", "[", "(" * 5000, "9" * 9000, "__import__('os').system('id')", "{'descr': '<f4'}", "\x00", "{**{}}"]


def a_file(run: Path, chance: random.Random) -> None:
    """Some bytes of any file."""
    path = chance.choice(sorted(path for path in run.rglob("*") if path.is_file()))
    path.write_bytes(changed_bytes(path.read_bytes(), chance))


def a_value(run: Path, chance: random.Random) -> None:
    """A value of one of the JSON files, or some bytes of a text."""
    path = run / chance.choice([*JSONS, *JSONS, "config.yaml", "history.csv"])
    if path.suffix == ".json" and chance.random() < 0.75:
        path.write_text(changed_json(path.read_text(), chance))
    else:
        path.write_bytes(changed_bytes(path.read_bytes(), chance))


def a_line(run: Path, chance: random.Random) -> None:
    """A line of the history or of the metrics, with another value, a column more, or many of them."""
    path = run / chance.choice(["history.csv", "metrics.jsonl"])
    lines = path.read_text().splitlines()
    number = chance.randrange(len(lines))
    if path.suffix == ".jsonl":
        lines[number] = changed_json(lines[number], chance)
    else:
        values = lines[number].split(",")
        values[chance.randrange(len(values))] = str(chance.choice([*OTHERS, *TEXTS, "9" * 5000, "1e999", "0x1", "1_0"]))
        lines[number] = ",".join(values)
    lines += chance.choice([[], [], [lines[number]] * 2000, ["[" * 100_000], ["," * 100_000]])
    path.write_text("\n".join(lines) + chance.choice(["\n", "\n", "", "\r\n"]), encoding="utf-8", errors="replace")


def a_manifest(run: Path, chance: random.Random) -> None:
    """What a state says of itself."""
    path = chance.choice(sorted(run.glob("checkpoints/state-*/MANIFEST.json")))
    path.write_text(changed_json(path.read_text(), chance))


def an_array(run: Path, chance: random.Random) -> None:
    """An array of a state whose header is not what follows, under a checksum that fits."""
    described = {"descr": chance.choice([*TYPES, *RECORDS]), "fortran_order": chance.choice([False, True, False, 3])}
    header = repr(described)[:-1] + f", 'shape': {chance.choice(SHAPES)}}}"
    if chance.random() < 0.3:
        header = chance.choice(HEADERS)
    version = chance.choice([(1, 0)] * 4 + [(2, 0), (3, 0), (9, 9)])
    length = struct.pack("<H" if version == (1, 0) else "<I", chance.choice([len(header) + 1] * 4 + [60_000]))
    content = b"\x93NUMPY" + bytes(version) + length + header.encode() + b"\n"
    _rewrite_state(run, chance, [("networks/generator/0000/kernel.npy", content + bytes(chance.choice([0, 96, 100])))])


def an_archive(run: Path, chance: random.Random) -> None:
    """A state whose zip is made for its reader: packed, twice the same member, names that are paths, wrong bytes in its table."""
    name = chance.choice(["a.npy", "../../outside/x.npy", "/etc/x.npy", "a", "a/", "", *ESCAPES[:-1]])
    packing = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    content = chance.choice([_npy((4, 6)), _npy((500, 500)), b"", b"no array"])
    path = _rewrite_state(run, chance, [(name, content)], packing, copies=chance.choice([0, 0, 1, 2000]))
    wrong = bytearray(path.read_bytes())
    for _ in range(chance.choice([0, 0, 1, 4])):  # the table stands at the end
        wrong[-chance.randint(1, min(len(wrong), 600))] = chance.randrange(256)
    path.write_bytes(chance.choice([b"", b"", b"junk" * 100]) + wrong)
    write_manifest(path.parent, {"format": 1, "step": int(path.parent.name[-6:])})


def many_arrays(run: Path, chance: random.Random) -> None:
    """As many arrays in a state and in the weights as a small file holds."""
    count = chance.choice([300, 3000])
    names = [f"networks/generator/{number:04d}/x.npy" for number in range(count)]
    path = _rewrite_state(run, chance, [(name, _npy((1,), -float(number))) for number, name in enumerate(names)])

    def add(file: h5py.File) -> None:
        for number in range(count):
            file[f"layers/dense/vars/{number + 2}"] = [number - count + 1.0]

    step = int(path.parent.name[-6:])
    RunFolder(run).generator_weights(step).write_bytes(seal(weight_file(step, add)))


def weights(run: Path, chance: random.Random) -> None:
    """What HDF5 can hold beside arrays, behind checksums that fit; or wrong bytes behind some that do not."""
    path = RunFolder(run).generator_weights(chance.randint(1, STEPS))
    spoil, _ = chance.choice(REFUSED)
    if chance.random() < 0.7:
        path.write_bytes(seal(weight_file(1, lambda file: spoil(file, _bait(run)))))
    else:
        path.write_bytes(changed_bytes(path.read_bytes(), chance))


def a_picture(run: Path, chance: random.Random) -> None:
    """A picture that is huge when unpacked, is another format, moves, or does not end."""
    folder = RunFolder(run)
    named = chance.choice(TEXTS).replace("/", "").replace("\0", "")
    path = chance.choice([folder.film, folder.losses, folder.sample(1), folder.samples / f"{named}.png"])
    kind = chance.choice(["huge", "large", "moves", "moves", "program", "cut"])
    content = io.BytesIO()
    if kind in ("huge", "large"):
        content.write(black_picture(9000 if kind == "large" else 20_000))
    elif kind == "moves":
        frames = [Image.new("L", (1000, 1000), number * 100) for number in range(3)]
        more = frames[1:] * chance.choice([1, 120])
        frames[0].save(content, chance.choice(["GIF", "PNG"]), save_all=True, append_images=more)
    elif kind == "program":
        content.write(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch owned) (w) file\n")
    else:
        content.write(folder.sample(2).read_bytes()[: -chance.randint(1, 50)])
    path.write_bytes(content.getvalue())


def an_entry(run: Path, chance: random.Random) -> None:
    """A link, a pipe or a socket in the place of something or beside it, a folder for a file, a file for a folder."""
    path = chance.choice(sorted(path for path in run.rglob("*")))
    if chance.random() < 0.3:
        path = path.parent / chance.choice(["new", "state-000009", "a\nb.png", "state-\u00b2", ".0123abcd-x"])
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    kind = chance.choice(["link", "link", "link", "pipe", "socket", "folder", "file", "gone", "deep"])
    if kind == "link":
        bait = chance.choice([_bait(run), *sorted(_bait(run).iterdir())])
        where = [
            bait,
            os.path.relpath(bait, path.parent),
            path,
            "nowhere",
            "/dev/zero",
            "/proc/self/mem",
            run,
            "\udcff",
        ]
        path.symlink_to(chance.choice(where))
    elif kind in ("pipe", "socket"):
        os.mknod(path, 0o600 | (stat.S_IFIFO if kind == "pipe" else stat.S_IFSOCK))
    elif kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_bytes(chance.choice([b"", b"{}", b"\xff" * 1000]))
    elif kind == "deep":
        path.joinpath(*["d"] * 300).mkdir(parents=True)


def a_name(run: Path, chance: random.Random) -> None:
    """A checkpoint under a name that its step does not have."""
    folder = RunFolder(run)
    name = chance.choice(
        ["state-\u00b2", "state-\u0663", "state-1", "state--1", f"state-{'9' * 200}", "damaged-\x1b[2J", "state-"]
    )
    path = chance.choice([folder.state(1), folder.generator_weights(1)])
    path.rename(
        folder.checkpoints / (name if path.suffix != ".h5" else name.replace("state", "generator") + ".weights.h5")
    )


def an_identity(run: Path, chance: random.Random) -> None:
    """A status whose identity is no identity: a path, another type, too many digits or too few."""
    path, bait = RunFolder(run).status_file, _bait(run)
    status = json.loads(path.read_text())
    paths = ["../../uv", "../../outside/a", str(bait / "a"), f"../{'x/../' * 20}../uv", "0/../../../uv", "a\0", "."]
    others = ["A" * 64, "f" * 63, "f" * 64 + "\n", "f" * 5000, "\u0660" * 64, "", 7, None, True, [], ["f" * 64], {}]
    path.write_text(json.dumps(status | {"identity": chance.choice(chance.choice([paths, others]))}))


def a_place_beside(run: Path, chance: random.Random) -> None:
    """A link or a pipe beside the run folder, where ganlab keeps locks and logs, or looks for other runs."""
    results, name = run.parents[1], run.name
    lock = f".locks/{json.loads(RunFolder(run).status_file.read_text()).get('identity', '')[:16]}"
    places = [".locks", f"{lock}.lock", f"{lock}.owner", ".sweep", ".sweep/digits", "other", "digits/other"]
    path = results / chance.choice([*places, f".sweep/digits/{name}.log", f".sweep/digits/{name}.yaml"])
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.unlink(missing_ok=True)
    if chance.random() < 0.2:
        os.mkfifo(path)
        return
    bait = chance.choice([_bait(run), *sorted(_bait(run).iterdir()), results.parent / "uv.lock"])
    path.symlink_to(chance.choice([bait, os.path.relpath(bait, path.parent)]))


KINDS = (a_file, a_line, a_manifest, an_array, an_archive, many_arrays, weights, a_picture, an_entry, a_name)
KINDS += (an_identity, a_place_beside)


def _bait(run: Path) -> Path:
    """The folder outside that nothing may touch."""
    return run.parents[2] / "outside"


def lay_bait(folder: Path) -> Path:
    """Files that could be taken for those of a run, a lock and its owner among them."""
    bait = folder / "outside"
    bait.mkdir()
    with h5py.File(bait / "other.h5", "w") as file:
        file["secret"] = [1.0, 2.0, 3.0, 4.0]
    for name in ("a.lock", "a.owner", "status.json", "x.npy"):
        (bait / name).write_text(json.dumps({"pid": 1, "host": "secret"}))
    return bait


def black_picture(side: int) -> bytes:
    """A PNG of side * side pixels, a bit each, made without the memory that it takes to show it."""
    packer = zlib.compressobj()
    rows = [packer.compress(bytes(1 + side // 8)) for _ in range(side)]
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = (b"IHDR" + head, b"IDAT" + b"".join([*rows, packer.flush()]), b"IEND")
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _npy(shape: tuple, value: float = 0.0) -> bytes:
    count = 1
    for length in shape:
        count *= length
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).ljust(118) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<f", value) * count


def _rewrite_state(
    run: Path, chance: random.Random, members: list, packing=zipfile.ZIP_STORED, copies: int = 0
) -> Path:
    """Puts members beside the arrays of a state, or in their place, and makes the manifest fit; returns the archive."""
    step = chance.randint(1, STEPS)
    path = RunFolder(run).state(step) / "variables.npz"
    kept = [(f"{name}.npy", _npy(array.shape)) for name, array in arrays_of(step).items() if name not in str(members)]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in kept if chance.random() < 0.7 else []:
            archive.writestr(zipfile.ZipInfo(name), content)
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, packing)
        archive.filelist += archive.filelist[-1:] * copies  # the same bytes, again and again
    write_manifest(path.parent, {"format": 1, "step": step})
    return path
