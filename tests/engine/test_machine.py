import pytest

from paddle_pose.engine import machine


def test_machine_text_states_versions_and_resources():
    found = machine.Machine(
        python="3.12.1",
        paddle="3.3.1",
        gpus=("A100", "A100"),
        cores=8,
        memory=32e9,
        free_disk=99.6e9,
    )
    assert str(found).splitlines() == [
        "Python 3.12.1, Paddle 3.3.1",
        "GPU: A100, A100",
        "CPU cores: 8, memory: 32 GB, free disk: 100 GB",
    ]


def test_probe_returns_plausible_values(tmp_path):
    found = machine.probe(tmp_path)
    assert found.cores >= 1
    assert found.paddle.split(".")[0].isdigit()
    assert min(found.memory, found.free_disk) > 0


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_usable_memory_is_the_limit_of_the_container(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("12345\n")
    assert machine.usable_memory(tmp_path) == 12345
    (tmp_path / name).write_text("9" * 19 + "\n")
    assert machine.usable_memory(tmp_path) == machine.usable_memory(tmp_path / "absent")


def test_usable_memory_ignores_a_limit_of_max(tmp_path):
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.usable_memory(tmp_path) > 12345
