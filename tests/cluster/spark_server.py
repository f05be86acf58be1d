"""Spark itself as a Spark Connect server on this machine: `python -m tests.cluster.spark_server COMMAND...` runs the command with
CRLM_TEST_ENGINE as its address. It needs Java and the package pyspark, whose folder SPARK_HOME names (`make parity-spark`)."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTS_WITHIN_SECONDS = 600
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.catalogImplementation": "in-memory",
    # statements of hundreds of lines: compiling each to Java costs more than running it on few rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.memory": "3g",
}


def main() -> int:
    """The command's own return code."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="crlm-spark-") as folder:
        told = {
            **SETTINGS,
            "spark.connect.grpc.binding.port": str(port),
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
        }
        command = [
            f"{os.environ['SPARK_HOME']}/bin/spark-submit",
            "--master",
            "local[2]",
            "--class",
            "org.apache.spark.sql.connect.service.SparkConnectServer",
            *(part for name, value in told.items() for part in ("--conf", f"{name}={value}")),
        ]
        environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
        log = Path(folder) / "spark.log"
        with (
            log.open("w") as said,
            subprocess.Popen(command, env=environment, stdout=said, stderr=said, cwd=folder) as server,
        ):
            try:
                _wait_for(port, server, log)
                here = {**os.environ, "CRLM_TEST_ENGINE": f"sc://127.0.0.1:{port}"}
                return subprocess.run(sys.argv[1:], env=here, check=False).returncode
            finally:
                server.terminate()


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(2 * STARTS_WITHIN_SECONDS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.5)
    raise SystemExit(f"Spark does not listen: {log.read_text()[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
