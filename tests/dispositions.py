"""Signals that the shell had ignored are caught here, for the sake of children.

A shell without job control starts what runs in the background deaf to Ctrl-C, and
`nohup` makes it deaf to a hang-up. Whoever ignores a signal hands that down to all
processes that it starts, and a test that sends it to one of them would wait for ever.
What is caught by a function is not handed down; a function that does nothing keeps this
process as deaf as the shell wants it.
"""

import signal


def catch_ignored_signals() -> None:
    """Let children begin as they do on a terminal; this process stays as it is."""
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
        # (Python ignores those two itself, and gives them back to children.)
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)
    # What is blocked is handed down too, and never arrives.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _do_nothing(_number: int, _frame: object) -> None:
    """As if it had been ignored."""
