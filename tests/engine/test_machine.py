import pytest

from paddle_pose.engine import machine


def test_what_is_found_is_told():
    found = machine.Machine("3.12.1", "3.3.1", ("A100", "A100"), 8, 32e9, 99.6e9)
    assert (
        str(found)
        == "Python 3.12.1, Paddle 3.3.1\nGPU: A100, A100\nCPU cores: 8, memory: 32 GB, free disk: 100 GB"
    )


def test_the_machine_is_probed(tmp_path):
    found = machine.probe(tmp_path)
    assert found.cores >= 1
    assert found.paddle.split(".")[0].isdigit()
    assert min(found.memory, found.free_disk) > 0


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_has_the_memory_it_was_given(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("12345\n")
    assert machine.usable_memory(tmp_path) == 12345
    (tmp_path / name).write_text("9" * 19 + "\n")
    assert machine.usable_memory(tmp_path) == machine.usable_memory(tmp_path / "absent")


def test_max_is_no_limit(tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.usable_memory(tmp_path) > 12345
