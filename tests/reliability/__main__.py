"""`make kill-test`: KILLS (40) random moments of a whole refresh; prints each, and whether the last night is an undisturbed one's."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.reliability.killed_nights import crlm, killed_after, moments, published_hash

if __name__ == "__main__":
    n_kills, patients = int(os.environ.get("KILLS", "40")), os.environ.get("PATIENTS", "120")
    with tempfile.TemporaryDirectory() as folder:
        data, disturbed = Path(folder) / "undisturbed", Path(folder) / "disturbed"
        crlm(data, "simulate", "--patients", patients, "--out", str(data)).check_returncode()
        begun = time.monotonic()
        crlm(data, "refresh").check_returncode()
        longest = time.monotonic() - begun
        print(f"an undisturbed night of {patients} patients: {longest:.0f} s", flush=True)
        shutil.copytree(data / "landing", disturbed / "landing")
        wrong = 0
        for number, moment in enumerate(moments(n_kills, longest, seed=int(os.environ.get("SEED", "1"))), start=1):
            kill = killed_after(disturbed, moment)
            wrong += not kill.is_published_whole or kill.dbt_lived_on
            print(
                f"{number:3} killed after {kill.seconds:6.1f} s, last step ended: {kill.last_step}; {kill}", flush=True
            )
        last = crlm(disturbed, "refresh")
        same = published_hash(disturbed) == published_hash(data)
        print(
            f"the last night, left alone: status {last.returncode}, {'the same' if same else 'OTHER'} data as undisturbed; {wrong} wrong"
        )
        print(last.stderr[-2000:] if last.returncode else "", flush=True)
        sys.exit(int(bool(wrong) or not same or bool(last.returncode)))
