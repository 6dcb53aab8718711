"""
### Process sessions

Judges every session that has arrived and not been processed, turns the accepted ones into measurements and brings the statistics
up to date. It starts by itself when there are new sessions. Run it again at any time: a session that is done is not done twice.

| when it fails | look at |
|---|---|
| `verify` | raw storage: is it there, may we read it? |
| `read` | the log: storage or database |
| `check` | the log names the rule that broke |
| `summarize` | the log: database. The former statistics stay until the new ones are complete |
| `recordings` | the log: storage, database, or a lab's schema in `ASSAY_RECORDING_SCHEMAS` that cannot be used |
| `preprocess` | the log: storage, database, or disk: a file is copied to `ASSAY_HOME/scratch` while it is processed |
| `compact` | the log: storage or database. Nothing is lost: the small files stay until the large ones are there |

Bad data fails no task: a session with a changed, unreadable or impossible file goes to quarantine, and nothing is lost.
`assay quarantine list` says why. Every task takes up where it stopped: clear the failed one, or trigger the DAG again.
"""

from __future__ import annotations

from airflow.sdk import chain, dag, task
from assay.orchestration.assets import SESSIONS, STATISTICS
from assay.orchestration.policy import TASKS


@dag(
    doc_md=__doc__,
    schedule=SESSIONS,
    tags=["assay", "process"],
    default_args=TASKS,
    max_active_runs=1,
)
def process_sessions():
    @task
    def verify() -> int:
        """Compares every file of the new sessions with its manifest; gives the number of sessions that are whole."""
        from assay.check.verify import verify_arrived
        from assay.orchestration.work import run_step

        return len(run_step(verify_arrived))

    @task
    def read() -> int:
        """Reads the raw files of verified sessions into the table of measurements; gives their number."""
        from assay.orchestration.work import run_step
        from assay.read.sessions import read_verified

        return len(run_step(read_verified))

    @task
    def check() -> int:
        """Judges what was read by every rule, beside all earlier sessions; gives the number of verdicts."""
        from assay.check.judge import judge_read
        from assay.orchestration.work import run_step

        return len(run_step(judge_read))

    @task(outlets=[STATISTICS])
    def summarize() -> int:
        """Computes the statistics of all accepted sessions anew; gives their number."""
        from assay.orchestration.work import run_step
        from assay.summarize.step import refresh_statistics

        return run_step(refresh_statistics)

    @task
    def compact() -> int:
        """Puts the files of measurements together where many small ones have gathered; gives how many were."""
        from assay.orchestration.work import run_step
        from assay.read.compaction import compact_many

        return run_step(compact_many).batches

    @task
    def recordings() -> int:
        """Takes the recordings of labs, of every dataset, as far as their verdicts; gives how many were judged."""
        from assay.orchestration.tasks import judge_recordings

        return judge_recordings()

    @task
    def preprocess() -> int:
        """Makes processed files of the data files of accepted recordings that have none yet; gives how many were processed."""
        from assay.orchestration.work import run_step
        from assay.process import preprocess_recordings

        return run_step(preprocess_recordings)

    chain(verify(), read(), check(), summarize(), compact())
    chain(recordings(), preprocess())


process_sessions()
