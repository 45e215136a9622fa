"""The index searched by a real Ray cluster on loopback: the same answers, whatever is lost."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import socket

import numpy as np
import pytest

from bot.assistant import Assistant
from bot.chat.knowledge import Knowledge
from bot.conversation import Conversation
from bot.document.load import load
from bot.errors import SettingError
from bot.retrieval import cluster as module
from bot.retrieval.cache import index_path, open_index
from bot.retrieval.cluster import Cluster, SlicedPostings
from bot.retrieval.counts import build_postings, count_terms
from bot.retrieval.lexicon import Found, Lexicon
from bot.retrieval.mapped import write_arrays
from bot.retrieval.postings import Postings
from bot.retrieval.terms import Family
from bot.settings import Settings, shipped_knowledge
from tests.conftest import Done, Run
from tests.program import environment
from tests.ray_nodes import LOOPBACK, ON_LOOPBACK, Nodes, running

pytest.importorskip("ray", reason="the extra madoguchi[cluster] is not installed")

ROWS, TERMS = 1000, 60
LONG = 120.0
"""Seconds after which what is waited for does not come any more."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with running() as found:
        yield found


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ON_LOOPBACK.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def auto(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address auto means these nodes."""
    monkeypatch.setenv("RAY_ADDRESS", nodes.auto)


class Both:
    """An index that this process searches, and the cluster too; rows are short, so scores tie."""

    def __init__(self, path: Path) -> None:
        chance = np.random.default_rng(7)
        common = chance.geometric(0.08, (ROWS, 6)).clip(max=TERMS).astype(np.uint64)
        rows = [np.uint64(Family.WORD << 60) + row for row in common]
        self.path = path
        self.said: list[str] = []
        counts = [count_terms(rows)]
        self._lexicon = Lexicon(counts[0].terms)
        arrays = build_postings(counts, counts[0].terms)
        self.here = Postings(arrays)
        named = [(name, key) for name in ("passages", "sentences") for key in arrays]
        write_arrays(path, {f"{name}.{key}": arrays[key] for name, key in named})
        self._chance = chance

    def reach(self, address: str) -> Cluster:
        cluster = Cluster(address, self.path, self.said.append)
        self.there = SlicedPostings("passages", self.here, cluster)
        return cluster

    def question(self) -> Found:
        """Some terms; a few of them are in no row."""
        codes = self._chance.choice(np.arange(1, TERMS + 9), self._chance.integers(0, 9), False)
        terms = np.sort(codes).astype(np.uint64) + np.uint64(Family.WORD << 60)
        return self._lexicon.find(terms)

    def compare(self) -> None:
        """Ask both all there is to ask about one question: no difference."""
        question = self.question()
        here, there = self.here.match(question), self.there.match(question)
        assert (there.ceiling, there.idf.tolist()) == (here.ceiling, here.idf.tolist())
        for allowed in (None, self._chance.random(ROWS) < 0.05, np.arange(ROWS) >= ROWS - 10):
            best = here.best(10, allowed)
            assert there.best(10, allowed).tolist() == best.tolist()
            assert there.of(best).tolist() == here.of(best).tolist()
            assert there.held(best[0]).tolist() == here.held(best[0]).tolist()
        some = self._chance.integers(0, ROWS, 30)
        assert there.of(some).tolist() == here.of(some).tolist()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, it is the cluster that answers."""
    monkeypatch.setattr(module, "_PATIENCE", LONG)


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path / "both.index")


@contextmanager
def own_driver() -> Iterator[list[BaseProcess]]:
    """The process that is started meanwhile."""
    before = {*multiprocessing.active_children()}
    started: list[BaseProcess] = []
    yield started
    (driver,) = {*multiprocessing.active_children()} - before
    started.append(driver)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("auto", "patient")
@pytest.mark.parametrize("way", ["auto", "client"])
def test_scores_and_order_are_the_same(both: Both, nodes: Nodes, way: str) -> None:
    cluster = both.reach(nodes.client if way == "client" else "auto")
    assert cluster.slices == 2
    for _ in range(100 if way == "auto" else 20):
        both.compare()
    assert both.said == []  # the cluster it was that answered


@pytest.mark.usefixtures("auto", "patient")
def test_more_slices_than_rows(tmp_path: Path) -> None:
    one = [np.array([Family.WORD << 60 | 1], np.uint64)]
    counts = [count_terms(one)]
    arrays = build_postings(counts, counts[0].terms)
    named = {f"{name}.{key}": arrays[key] for name in ("passages", "sentences") for key in arrays}
    write_arrays(tmp_path / "index", named)
    found = Lexicon(counts[0].terms).find(one[0])
    cluster = Cluster("auto", tmp_path / "index", pytest.fail)
    here = Postings(arrays)
    there = cluster.slice("passages", here)
    assert there.match(found).best(1).tolist() == [0]
    assert there.match(found).of(np.array([0])).tolist() == here.match(found).of([0]).tolist()
    assert there.match(found).best(0, np.array([False])).tolist() == []


@pytest.mark.usefixtures("auto", "patient")
@pytest.mark.parametrize("taught", [True, False])
def test_replies_are_the_same(
    shipped_assistant: Assistant, harbour: Assistant, harbour_knowledge: Path, cache: Path,
    taught: bool,
) -> None:  # fmt: skip
    here = shipped_assistant if taught else harbour
    folder = shipped_knowledge() if taught else harbour_knowledge
    assert here.index.is_taught is taught
    there = Assistant(open_index(folder, cache, pytest.fail, cluster="auto"))
    asked = [each.text for each in load(shipped_knowledge()).asked.questions[::40]]
    division = here.index.divisions[0].names.id
    for question in (*asked, "防波堤の点検はいつですか", "灯台を見学できますか"):
        for only in (None, division):
            replies = [
                each.reply(Conversation(), question, division=only) for each in (here, there)
            ]
            assert replies[0] == replies[1]


def test_a_node_is_lost_while_questions_come(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as nodes:
        monkeypatch.setenv("RAY_ADDRESS", nodes.auto)
        cluster = both.reach("auto")
        for line in ("lose node", "lose node"):
            for _ in range(20):
                both.compare()
            nodes.order(line)
            for _ in range(100):
                both.compare()
            assert nodes.done() == line
        # Now that no node is left, this machine answers alone, and says so once.
        wait_until(lambda: both.compare() is None and len(both.said) % 2 == 1)
        before = len(both.said)
        for _ in range(20):
            both.compare()
        assert len(both.said) == before
        nodes.do("add node")
        wait_until(lambda: both.compare() is None and len(both.said) > before)
        assert both.said[-1] == "MADOGUCHI_CLUSTER: the cluster answers again"
        assert cluster.ask("held", [(0, ("passages", both.question(), 0))]) is not None


def test_the_head_is_lost(both: Both, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as others:
        monkeypatch.setenv("RAY_ADDRESS", others.auto)
        with own_driver() as driver:
            both.reach("auto")
        both.compare()
        others.do("lose head")
        wait_until(lambda: both.compare() is None and not driver[0].is_alive())
        both.compare()
        said = len(both.said)
        both.compare()
        assert len(both.said) == said
        assert both.said[-1] == (
            "MADOGUCHI_CLUSTER: the cluster does not answer; "
            "until it does, the index on this machine is searched"
        )
    # Another one at the same address is as good.
    monkeypatch.setenv("RAY_ADDRESS", nodes.auto)
    monkeypatch.setattr(module, "_AGAIN", 0)
    both.there._cluster._again = 0
    wait_until(lambda: both.compare() is None and len(both.said) > said)
    assert both.said[-1] == "MADOGUCHI_CLUSTER: the cluster answers again"


@pytest.mark.usefixtures("auto")
def test_a_closed_cluster_leaves_no_process(both: Both) -> None:
    with own_driver() as driver:
        cluster = both.reach("auto")
    cluster.close()
    wait_until(lambda: not driver[0].is_alive())
    both.compare()
    assert both.said == []


@pytest.mark.usefixtures("auto", "harbour")
@pytest.mark.asyncio
async def test_reading_the_knowledge_again_reaches_the_cluster_again(
    harbour_knowledge: Path, cache: Path
) -> None:
    with own_driver() as before:
        knowledge = await Knowledge.open(Settings(harbour_knowledge, cache, cluster="auto"))
    with own_driver() as after:
        await knowledge.reload()
    wait_until(lambda: not before[0].is_alive())
    assert after[0].is_alive()
    knowledge.assistant.index.close()


@pytest.mark.usefixtures("shipped_index")
@pytest.mark.parametrize("way", ["auto", "client"])
def test_the_program_answers_through_a_cluster_without_loading_ray(
    nodes: Nodes, cache: Path, way: str
) -> None:
    script = "import sys; from bot.cli import main; main(); sys.exit('ray' in sys.modules)"
    found = []
    for address in ("", "auto" if way == "auto" else nodes.client):
        done = subprocess.run(
            [sys.executable, "-c", script, "ask", "--json", "国際課とは"],
            env=environment(MADOGUCHI_CLUSTER=address, RAY_ADDRESS=nodes.auto),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=LONG,
        )
        assert done.stderr == b""
        found.append(done.stdout)
    assert found[0] == found[1] != b""


@pytest.mark.usefixtures("shipped_index")
@pytest.mark.parametrize("way", ["auto", "client"])
def test_an_address_where_nobody_listens_is_refused(run: Run, way: str) -> None:
    with socket() as closed:
        closed.bind((LOOPBACK, 0))
        place = f"{LOOPBACK}:{closed.getsockname()[1]}"
        address = "auto" if way == "auto" else f"ray://{place}"
        done = run("ask", "国際課とは", MADOGUCHI_CLUSTER=address, RAY_ADDRESS=place)
    problem = f"MADOGUCHI_CLUSTER: {address}: [Errno 111] Connection refused"
    assert done == Done(2, "", f"madoguchi: {problem}\n")


@pytest.mark.parametrize("way", ["auto", "client"])
def test_an_address_where_no_cluster_answers_is_refused(
    both: Both, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(module, "_CONNECTING", 2)
    with socket() as silent:
        silent.bind((LOOPBACK, 0))
        silent.listen()
        place = f"{LOOPBACK}:{silent.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", place)
        address = "auto" if way == "auto" else f"ray://{place}"
        with pytest.raises(SettingError) as caught:
            both.reach(address)
    problem = f"{address}: no cluster answers within 2 seconds"
    assert str(caught.value) == f"MADOGUCHI_CLUSTER: {problem}"


@pytest.mark.usefixtures("auto")
def test_a_node_without_the_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        Cluster("auto", tmp_path / "nowhere.index", pytest.fail)
    said = str(caught.value)
    assert said.startswith(f"MADOGUCHI_CLUSTER: auto: node {os.uname().nodename} cannot open ")
    assert str(tmp_path / "nowhere.index") in said
    assert "\n" not in said


def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)


def test_the_extra_must_be_installed(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    without_ray(monkeypatch)
    with pytest.raises(SettingError, match=r"^MADOGUCHI_CLUSTER: needs Ray: pip install"):
        both.reach("auto")


@pytest.mark.asyncio
async def test_new_knowledge_does_not_wait_for_a_lost_cluster(
    harbour: Assistant,
    harbour_knowledge: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    without_ray(monkeypatch)
    settings = Settings(harbour_knowledge, cache, cluster="auto")
    with pytest.raises(SettingError):
        await Knowledge.open(settings)
    knowledge = Knowledge(settings, harbour, index_path(harbour_knowledge, cache))
    await knowledge.reload()
    assert isinstance(knowledge.assistant.index.passages, Postings)
    warnings = [each.message for each in caplog.records if each.levelno >= logging.WARNING]
    assert warnings == ["index_warning"]
