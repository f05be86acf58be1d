"""Spark itself as a Spark Connect server on this machine: `python -m tests.cluster.spark_server COMMAND...` runs the command with
CRLM_TEST_ENGINE as its address. It needs Java and the package pyspark, whose folder SPARK_HOME names (`make parity-spark`)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.sail import Server, wait_for
from tests.patience import free_port

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.catalogImplementation": "in-memory",
    # statements of hundreds of lines: compiling each to Java costs more than running it on few rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.memory": os.environ.get("CRLM_TEST_SPARK_MEMORY", "3g"),
}
ONE_PROCESS = "local[2]"
TWO_EXECUTORS = "local-cluster[2,1,1024]"
"""A driver and two executors of one core and 1 GB, each a process of its own, as on a cluster."""


@contextmanager
def spark_server(folder: Path, master: str = ONE_PROCESS) -> Iterator[Server]:
    """Spark of SPARK_HOME; what it says goes to a log in `folder`, where its own tables lie too."""
    port = free_port()
    told = {
        **SETTINGS,
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
    }
    command = [
        f"{os.environ['SPARK_HOME']}/bin/spark-submit",
        "--master",
        master,
        "--class",
        "org.apache.spark.sql.connect.service.SparkConnectServer",
        *(part for name, value in told.items() for part in ("--conf", f"{name}={value}")),
    ]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    # its executors' folders are not to lie in the installed package
    environment |= {"SPARK_WORKER_DIR": f"{folder}/work", "SPARK_LOCAL_DIRS": f"{folder}/local"}
    log = folder / "spark.log"
    with (
        log.open("w") as said,
        subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=folder) as server,
    ):
        try:
            wait_for(port, server, log)
            yield Server(f"sc://127.0.0.1:{port}", server)
        finally:
            server.terminate()


def main() -> int:
    """The command's own return code."""
    with tempfile.TemporaryDirectory(prefix="crlm-spark-") as folder, spark_server(Path(folder)) as server:
        here = {**os.environ, "CRLM_TEST_ENGINE": server.address}
        return subprocess.run(sys.argv[1:], env=here, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
