"""Pickles: plain data is returned, everything else is refused without being executed."""

import pickle
import struct
import subprocess
import sys
import tracemalloc
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
from helpers.weights_writers import (
    Built,
    Call,
    Name,
    Storage,
    pickled,
    whole,
    write_stream,
    write_zip,
)

from paddle_pose.errors import InputError
from paddle_pose.weights.formats.allow_list import RefusedError
from paddle_pose.weights.formats.safe_pickle import read_pickle
from paddle_pose.weights.read import read_weights

CODES = "?bhilqBHILQefdFD"
BLANK = Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (0,), b"b"))


def load(tmp_path: Path, data: bytes):
    path = tmp_path / "file.pdparams"
    path.write_bytes(data)
    return read_pickle(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_returned(tmp_path, protocol):
    content = OrderedDict(
        a=[1, -(2**70), 0.5, None, True, "ä"], b=(), c={1, "x"}, d=b"\xff", e={"f": {}}, g=(1, 2, 3)
    )
    assert load(tmp_path, pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_of_numbers_are_returned(tmp_path, protocol, code, order):
    array = (np.random.default_rng(0).normal(size=(2, 3, 4)) * 50).astype("D")
    array = array.real.astype(code) if code not in "FD" else array.astype(code)
    array = array.astype(array.dtype.newbyteorder(order))
    content = {"c": array, "f": np.asfortranarray(array), "0d": array[0, 0, 0], "empty": array[:0]}
    data = pickle.dumps([content, content], protocol)
    read = load(tmp_path, data)[1]
    for name, plain in pickle.loads(data)[1].items():
        assert read[name].dtype == plain.dtype  # NumPy may make it the machine's own order
        np.testing.assert_array_equal(read[name], content[name])


def test_arrays_written_by_numpy_1_and_2(tmp_path):
    new = pickle.dumps(np.arange(3.0), 2)
    old = new.replace(b"numpy._core.", b"numpy.core.")
    assert new != old
    for data in (new, old):
        np.testing.assert_array_equal(load(tmp_path, data), np.arange(3.0))


def test_counter_and_defaultdict_become_dicts(tmp_path):
    nested = defaultdict(dict, a={})
    assert load(tmp_path, pickle.dumps([Counter("aab"), nested], 2)) == [
        {"a": 2, "b": 1},
        {"a": {}},
    ]


def test_strings_of_python_2_are_latin1(tmp_path):
    assert load(tmp_path, b"\x80\x02U\x02\xe4b.") == "äb"


def attacks(marker: Path) -> dict[str, tuple[Call, str]]:
    """Returns payloads that would create `marker`, each with the name that the error must state."""
    shell, code = f"touch {marker}", f"open({str(marker)!r}, 'w')"
    return {
        "os.system": (Call(Name("os", "system"), (shell,)), "os.system"),
        "posix.system": (Call(Name("posix", "system"), (shell,)), "posix.system"),
        "eval": (Call(Name("builtins", "eval"), (code,)), "builtins.eval"),
        "python 2 eval": (Call(Name("__builtin__", "eval"), (code,)), "__builtin__.eval"),
        "exec": (Call(Name("builtins", "exec"), (code,)), "builtins.exec"),
        "popen": (Call(Name("subprocess", "Popen"), (["touch", str(marker)],)), "subprocess.Popen"),
        "nested": (
            Call(Name("builtins", "tuple"), ([Call(Name("os", "system"), (shell,))],)),
            "os.system",
        ),
        "in a state": (
            Built(BLANK, (1, (1,), Call(Name("os", "system"), (shell,)), False, b"")),
            "os.system",
        ),
    }


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "executed"


def test_the_payloads_work_with_plain_pickle(marker):
    pickle.loads(pickled(attacks(marker)["posix.system"][0], 4))
    assert marker.exists()


ROUTES = {
    "pdparams_protocol_2": lambda path, bad: path.write_bytes(pickled({"w": bad}, 2)),
    "pdparams_protocol_4": lambda path, bad: path.write_bytes(pickled({"w": bad}, 4)),
    "pdopt": lambda path, bad: path.write_bytes(pickled({"LR_Scheduler": {"last_epoch": bad}}, 4)),
    "zip": lambda path, bad: write_zip(path, {"meta": [bad], "state_dict": {}}),
    "zip_protocol_4": lambda path, bad: write_zip(path, {"state_dict": {"w": bad}}, 4),
    "stream": lambda path, bad: write_stream(path, {"state_dict": {"w": bad}}),
    "stream_keys": lambda path, bad: write_stream(path, {}, keys=[bad]),
    "zip_storage_type": lambda path, bad: write_zip(path, whole("0", np.zeros(1), bad)),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("attack", attacks(Path("x")))
def test_attacks_are_refused_by_name_and_nothing_is_executed(tmp_path, marker, route, attack):
    bad, name = attacks(marker)[attack]
    path = tmp_path / f"model.{route}"
    ROUTES[route](path, bad)
    with pytest.raises(RefusedError) as caught:
        read_weights(path)
    assert not marker.exists()
    assert f"{path}: wants to run {name}; refused, nothing was executed" in str(caught.value)


F4 = Call(Name("numpy", "dtype"), ("f4", False, True))
NDARRAY = Name("numpy", "ndarray")
RECONSTRUCT = Name("numpy.core.multiarray", "_reconstruct")


def nested_tuple(depth: int) -> tuple:
    return (nested_tuple(depth - 1),) if depth else ()


ABUSES = {
    "dotted function": (Name("collections", "OrderedDict.fromkeys"), "OrderedDict.fromkeys"),
    "dotted module": (Name("numpy", "core.multiarray._reconstruct"), "run numpy.core.multiarray"),
    "dotted both ways": (Name("os.path", "os.system"), "os.path.os.system"),
    "getattr": (Call(Name("builtins", "getattr"), (NDARRAY, "tofile")), "builtins.getattr"),
    "call of a type that cannot be called": (Call(NDARRAY, ((10**12,),)), "numpy.ndarray"),
    "int of a long text": (Call(Name("builtins", "int"), ("9" * 5000,)), "builtins.int"),
    "bytes of a size": (Call(Name("builtins", "bytes"), (10**12,)), "builtins.bytes"),
    "encode to zip": (Call(Name("_codecs", "encode"), ("a", "zip")), "to 'zip'"),
    "encode without codec": (Call(Name("_codecs", "encode"), ("a",)), "_codecs.encode with"),
    "list of a text": (Call(Name("builtins", "list"), ("abc",)), "a list made of 'abc'"),
    "dict of no pairs": (Call(Name("builtins", "dict"), ([1, 2],)), "a dict made of a list"),
    "call of a value": (Call(5), "to call 5"),
    "call with a list": (Call(Name("builtins", "list"), []), "to call a Global"),
    "array of another class": (
        Call(RECONSTRUCT, (Name("collections", "OrderedDict"), (0,), b"b")),
        "_reconstruct with unusual arguments",
    ),
    "array of a size": (Call(RECONSTRUCT, (NDARRAY, (10**12,), b"b")), "unusual arguments"),
    "array of objects": (Call(Name("numpy", "dtype"), ("O8", False, True)), "'O8'"),
    "array of records": (Call(Name("numpy", "dtype"), ("V8", False, True)), "'V8'"),
    "dtype with fields": (
        Built(F4, (3, "<", None, ("a",), {"a": (F4, 0)}, 8, 1, 0)),
        "a dtype with fields",
    ),
    "dtype with a subarray": (Built(F4, (3, "<", (F4, (9,)), None, None, -1, -1, 0)), "fields"),
    "array larger than its bytes": (
        Built(BLANK, (1, (10**6,), F4, False, b"1234")),
        "made of 4 bytes",
    ),
    "array of negative size": (Built(BLANK, (1, (-1, -1), F4, False, b"1234")), "a shape"),
    "array without dtype": (Built(BLANK, (1, (1,), "f4", False, b"1234")), "not a dtype"),
    "array built twice": (
        Built(Built(BLANK, (1, (1,), F4, False, b"1234")), (1, (1,), F4, False, b"1234")),
        "change the state of a ndarray",
    ),
    "array with four parts": (Built(BLANK, ((1,), F4, False, b"1234")), "unknown state"),
    "scalar of too few bytes": (
        Call(Name("numpy.core.multiarray", "scalar"), (F4, b"12")),
        "made of 2 bytes",
    ),
    "state of a name": (Built(NDARRAY, (None, {"build": 1})), "change the state of a Global"),
    "state of a type": (Built(F4, {"order": "<"}), "unknown byte order"),
    "state of a dict": (Built({}, {"a": 1}), "change the state of a dict"),
    "deep key": ({nested_tuple(3): 1}, "a key made of a tuple"),
    "deep key in pairs": (Call(Name("builtins", "dict"), ([(nested_tuple(3), 1)],)), "a key made"),
    "deep set": ({nested_tuple(3)}, "a key made of a tuple"),
    "deep set from a list": (Call(Name("builtins", "set"), ([nested_tuple(3)],)), "a key made"),
    "persistent id": (Storage("0", np.zeros(1), Name("builtins", "int")), "persistent id"),
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("abuse", ABUSES)
def test_abuse_of_allowed_names_is_refused(tmp_path, abuse, protocol):
    content, message = ABUSES[abuse]
    with pytest.raises(RefusedError) as caught:
        load(tmp_path, pickled({"w": content}, protocol))
    assert message in str(caught.value)
    assert "refused, nothing was executed" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\x02(ios\nsystem\n.", id="INST"),
        pytest.param(b"\x80\x02(cbuiltins\nlist\no.", id="OBJ"),
        pytest.param(b"\x80\x04cbuiltins\nlist\n)}\x92.", id="NEWOBJ_EX"),
        pytest.param(b"\x80\x02\x82\x01.", id="EXT1"),
        pytest.param(b"\x80\x04(K\x01\x91.", id="FROZENSET"),
        pytest.param(b"\x80\x05\x97.", id="NEXT_BUFFER"),
        pytest.param(b"\x80\x02]K\x01K\x02s.", id="SETITEM on a list"),
        pytest.param(b"\x80\x04](K\x01\x90.", id="ADDITEMS on a list"),
        pytest.param(b"\x80\x02N}(K\x01u.", id="SETITEMS with a key and no value"),
        pytest.param(b"\x80\x0a.", id="protocol 10"),
        pytest.param(b"\x80\x02.", id="nothing on the stack"),
    ],
)
def test_other_opcodes_are_refused(tmp_path, data):
    with pytest.raises(ValueError, match=r"file\.pdparams: "):
        load(tmp_path, data)


@pytest.mark.parametrize(
    "opcode",
    [b"\x95", b"\x8e", b"\x8d", b"\x96"],
    ids=["FRAME", "BINBYTES8", "BINUNICODE8", "BYTEARRAY8"],
)
def test_forged_lengths_allocate_nothing(tmp_path, opcode):
    tracemalloc.start()
    with pytest.raises(ValueError, match="truncated or damaged"):
        load(tmp_path, b"\x80\x05" + opcode + struct.pack("<Q", 2**33) + b"x.")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_forged_memo_index_allocates_nothing(tmp_path):
    tracemalloc.start()
    assert load(tmp_path, b"\x80\x02K\x07r\xff\xff\xff\xff.") == 7
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_every_truncation_is_named(tmp_path):
    data = pickle.dumps({"a": np.arange(3.0), "b": OrderedDict(c=[1, "x"])}, 4)
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"file\.pdparams: "):
            load(tmp_path, data[:end])


def test_damaged_bytes_raise_nothing_else(tmp_path):
    data = pickle.dumps({"a": np.arange(3.0), "b": OrderedDict(c=[1, "x"])}, 2)
    rng = np.random.default_rng(0)
    raised = 0
    for _ in range(500):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            load(tmp_path, bytes(damaged))
        except ValueError as error:
            raised += 1
            assert "file.pdparams" in str(error)  # noqa: PT017 - most damage raises, some does not
    assert raised > 100


def test_nothing_is_imported(tmp_path):
    """A refused name must not even be looked up: importing can run code."""
    (tmp_path / "trap.py").write_text("open('executed', 'w')")
    (tmp_path / "file.pdparams").write_bytes(pickled({"w": Name("trap", "x")}))
    code = (
        "from paddle_pose.weights.read import read_weights\n"
        "try:\n    read_weights('file.pdparams')\n"
        "except ValueError as error:\n    print(error)"
    )
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{root}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert "wants to run trap.x" in run.stdout
    assert not (tmp_path / "executed").exists()


LIST = b"cbuiltins\nlist\nq\x000"
DICT = b"cbuiltins\ndict\nq\x000"
MANY = b"(" + b"N" * 20_000 + b"tq\x010"
PAIRS = b"(" + b"".join(b"J" + struct.pack("<i", n) + b"N\x86" for n in range(4000)) + b"tq\x010"
CALL = b"h\x00h\x01\x85Ra"  # appends the result of calling memo 0 with memo 1 to a list


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(LIST + MANY + b"]" + CALL * 2000, id="copies of a list"),
        pytest.param(DICT + PAIRS + b"]" + CALL * 2000, id="copies of a dict"),
        pytest.param(b"(" + b"\x8f" * 300_000 + b"t", id="empty sets"),
        pytest.param(b"N" + b"\x94" * 300_000, id="memoized values"),
        pytest.param(b"(" * 300_000, id="marks"),
    ],
)
def test_content_that_needs_too_much_memory_is_refused(tmp_path, monkeypatch, data):
    monkeypatch.setattr("paddle_pose.io.limits.MEMORY_SPARE", 4_000_000)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"file\.pdparams: its content needs more than \d+ MB"):
        load(tmp_path, b"\x80\x04" + data + b".")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_copies_of_the_bytes_of_an_array_count(tmp_path, monkeypatch):
    monkeypatch.setattr("paddle_pose.io.limits.MEMORY_SPARE", 1_000_000)
    raw = bytes(100_000)
    arrays = [Built(BLANK, (1, (25_000,), F4, False, raw)) for _ in range(100)]
    with pytest.raises(InputError, match="its content needs more than"):
        load(tmp_path, pickled(arrays, 4))
