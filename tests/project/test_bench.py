"""Every benchmark runs; what it measures is looked at by people, not by the suite."""

from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHES
from tests.bench.servers import small


@pytest.mark.slow
async def test_every_benchmark_gives_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = await small(tmp_path)
    for name, bench in BENCHES.items():
        figures = await bench(database, tmp_path, 1, 0.05)
        assert figures and all(figure > 0 for figure in figures.values()), name
    assert "reached" in capsys.readouterr().out
