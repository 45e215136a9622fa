"""A Ray cluster on loopback: a head without processors and two nodes with one each.

It runs in a process of its own, as tests shall outlive the loss of it:

    python -m tests.ray_nodes

Its first line names the address and the port of Ray's client server; then it does what it reads,
line by line, and prints each when done.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

from tests.program import ROOT, environment

LOOPBACK = "127.0.0.1"
ON_LOOPBACK = {
    # Everything listens on loopback alone, and looks for the others there.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # So soon does everything end that belongs to a lost head; a minute else.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
}
"""Variables of the cluster and of whoever talks to it."""


class Nodes:
    """The cluster, seen from outside. ``auto`` is what RAY_ADDRESS must be for the address auto."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.auto, port = self.done().split()
        self.client = f"ray://{LOOPBACK}:{port}"

    def order(self, line: str) -> None:
        """Tell it to do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def done(self) -> str:
        """Wait until it is done."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def do(self, line: str) -> None:
        """Have it done."""
        self.order(line)
        assert self.done() == line


@contextmanager
def running() -> Iterator[Nodes]:
    """A cluster that runs meanwhile."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray_nodes"],
            cwd=ROOT,
            env=environment(
                RAY_TMPDIR=folder,
                RAY_USAGE_STATS_ENABLED="0",
                **ON_LOOPBACK,
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process:
            try:
                yield Nodes(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()


def main() -> None:
    from ray.cluster_utils import Cluster

    with socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    head = {"num_cpus": 0, "include_dashboard": False, "ray_client_server_port": port}
    cluster = Cluster(initialize_head=True, head_node_args={"node_ip_address": LOOPBACK, **head})
    for _ in range(2):
        cluster.add_node(num_cpus=1, node_ip_address=LOOPBACK)
    print(cluster.address, port, flush=True)
    for line in sys.stdin:
        match line.split():
            case ["lose", "node"]:
                cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
            case ["lose", "head"]:
                cluster.remove_node(cluster.head_node, allow_graceful=False)
            case ["add", "node"]:
                cluster.add_node(num_cpus=1, node_ip_address=LOOPBACK)
        print(line.strip(), flush=True)
    # What is left goes at once: nobody needs it to end in good order.
    for node in cluster.list_all_nodes():
        node.kill_all_processes(check_alive=False, allow_graceful=False)
    os._exit(0)


if __name__ == "__main__":
    main()
