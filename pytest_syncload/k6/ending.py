"""How k6 ended, in words: what its exit code means (k6's documentation, "Exit codes") and what to do."""

from __future__ import annotations

import signal

_MEANING = {
    97: "a test of Grafana Cloud failed, and none was asked for",
    98: "Grafana Cloud could not be asked, and nobody asked it to be",
    99: "thresholds were not met, and the script sets none: does a setting of this machine?",
    100: "its set-up took longer than it may: nobody said when to start",
    101: "its teardown took longer than it may",
    102: "it ran into a timeout of its own",
    103: "somebody stopped it by its REST API",
    104: "it cannot start with the script's options (--syncload-k6-script shows them); is it too old, or too new?",
    105: "somebody stopped it from outside",
    106: "its REST API could not be started",
    107: "the script raised an exception (--syncload-k6-script shows it)",
    108: "the script aborted the test",
    109: "it panicked, which is a defect of k6",
    -signal.SIGKILL: "it was killed, as where memory runs out; fewer virtual users (load.vus) need less of it",
    -signal.SIGPIPE: "nobody read what it printed",
}


def why_it_ended(code: int, last_words: str) -> str | None:
    """Why k6 did not come to the end of its script, None where it did. ``last_words`` are its log's, secrets masked."""
    if code == 0:
        return None
    meaning = _MEANING.get(code) or (f"signal {-code} ended it" if code < 0 else "its documentation does not list that")
    said = f"; it said: {last_words}" if last_words else ""
    return f"k6 ended with {f'exit code {code}' if code >= 0 else 'a signal'}: {meaning}{said}"
