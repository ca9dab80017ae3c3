#!/usr/bin/env python3
"""Real client libraries against a running Azimuth.

Starts the built `azimuth` on a free port with a folder of its own, runs the suites against it, stops it whatever
happens, and closes with one line per suite and `total: N passed, M failed`. Needs nothing but Python: the clients
are installed into the user's cache, by their pinned versions.

    conformance/run.py                              all suites
    conformance/run.py openai-node java             some of them
    conformance/run.py --base-url URL --api-key KEY against a server that already runs
"""

import argparse
import signal
import sys
from contextlib import nullcontext

from harness.server import Address, Azimuth, ServerFailed
from harness.suites import SUITES, Skipped, run_suite


def main():
    # A stop from outside unwinds like any other end, so that the server is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = parse_arguments()
    running = (
        nullcontext(Address(arguments.base_url, arguments.api_key))
        if arguments.base_url
        else Azimuth(binary=arguments.binary)
    )

    results = []
    try:
        with running as address:
            for name in arguments.suites or SUITES:
                print(f"\n--- {name}", flush=True)
                results.append((name, run_suite(name, address)))
            if isinstance(running, Azimuth):
                running.must_be_alive()
    except ServerFailed as failure:
        print(f"FAIL server: {failure}", flush=True)
        results.append(("server", None))
    return report(results)


def report(results):
    """Prints a line per suite and the total; returns the exit status."""
    passed = failed = 0
    print()
    for name, result in results:
        if isinstance(result, Skipped):
            print(f"SKIPPED conformance {name}: {result.reason}")
        elif result is None:
            failed += 1
        else:
            passed += result.passed
            failed += result.failed
            print(f"{name:20} {result.passed} passed, {result.failed} failed")
            for reason in result.skipped:
                print(f"SKIPPED conformance {name}: {reason}")
    print(f"total: {passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="one of: " + ", ".join(SUITES))
    parser.add_argument("--binary", help="the program to start (default: the debug build)")
    parser.add_argument("--base-url", help="root of a server that already runs, as http://127.0.0.1:8080")
    parser.add_argument("--api-key", help="a key of that server, of the form id.secret")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.suites) - set(SUITES))
    if unknown:
        parser.error(f"no suite is called {', '.join(unknown)}; there are {', '.join(SUITES)}")
    if bool(arguments.base_url) != bool(arguments.api_key):
        parser.error("--base-url and --api-key go together")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
