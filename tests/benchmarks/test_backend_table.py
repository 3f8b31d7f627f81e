from benchmarks import backend_table
from paddle_pose.configs import overrides, registry


def test_every_reduced_system_is_a_valid_config():
    for name, reduction in backend_table.REDUCED.items():
        pairs = [text.split("=", 1) for text in (*backend_table.RECIPE, *reduction)]
        config = overrides.override(registry.find(name), dict(pairs))
        assert config.codec.input_size == (128, 128)
        assert not config.val.flip
