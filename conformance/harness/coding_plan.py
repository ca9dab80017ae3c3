"""An Azimuth that sells coding plans, with the scripted model behind it."""

import json
import time
import urllib.request
from contextlib import ExitStack
from typing import NamedTuple

from .scripted_model import ScriptedModel
from .server import Azimuth, ServerFailed

# A call is metered when its answer has ended, which the tool need not wait for.
METERED_SECONDS_MAX = 10
NOTICED_SECONDS_MAX = 10
# A thousandth of a prompt is the plan's unit.
UNITS_PER_PROMPT = 1000

# A plan that is used up by its first call.
SMALLEST_PLAN = {"name": "Smallest Plan", "rank": 0, "prompts_per_5h": 1}
CALL = {"model": "glm-4.7", "messages": [{"role": "user", "content": "Hello!"}]}


class Account(NamedTuple):
    """Somebody with a plan, and a key."""

    id: str
    key: str


class CodingPlan:
    """A running Azimuth whose accounts have plans and no money, so that only the plans' doors serve them."""

    def __init__(self, binary=None):
        self.binary = binary

    def __enter__(self):
        with ExitStack() as stack:
            self.model = stack.enter_context(ScriptedModel())
            self.azimuth = Azimuth(self.binary, self.model.configuration())
            self.base_url = stack.enter_context(self.azimuth).base_url
            self._offer_the_smallest_plan()
            self._leave = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._leave.__exit__(*exception)

    def subscriber(self, plan="max"):
        """A new account on `plan`."""
        id = self.azimuth.command("admin", "accounts", "create", "somebody")["id"]
        self.azimuth.command("admin", "plan", "grant", id, plan, "--endless")
        account = Account(id, self.azimuth.command("admin", "keys", "create", "--account", id)["api_key"])
        # The server looks for what the operator changed once a second.
        deadline = time.monotonic() + NOTICED_SECONDS_MAX
        while (self._request(account, "/api/monitor/usage/quota/limit").get("data") or {}).get("level") != plan:
            if time.monotonic() > deadline:
                raise ServerFailed(f"did not notice plan `{plan}`")
            time.sleep(0.1)
        return account

    def use_up(self, account):
        """Makes the one call that the smallest plan has."""
        self._request(account, "/api/coding/paas/v4/chat/completions", CALL)

    def records(self, account):
        """The usage records of `account`, oldest first, once no new ones come."""
        deadline, before = time.monotonic() + METERED_SECONDS_MAX, None
        while True:
            every = self.azimuth.command("usage", "--requests", "--limit", "1000")
            records = [record for record in every if record["account"] == account.id]
            if records and records == before or time.monotonic() > deadline:
                return sorted(records, key=lambda record: record["started"])
            before = records
            time.sleep(0.3)

    def used_prompts(self, account):
        """What the account's plan lost of its five hours."""
        windows = self.azimuth.command("admin", "accounts", "show", account.id)["plan"]["windows"]
        used = next(window["used_units"] for window in windows if window["window"] == "five_hours")
        return used / UNITS_PER_PROMPT

    def _request(self, account, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {account.key}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.base_url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def _offer_the_smallest_plan(self):
        plans = self.azimuth.command("admin", "show", "plans")["body"]
        plans["plans"]["smallest"] = {**plans["plans"]["lite"], **SMALLEST_PLAN}
        # A call is a whole prompt: what was used is then a count of calls, and the smallest plan has one.
        plans["quota"]["calls_per_prompt"] = 1
        file = self.azimuth.folder / "plans.json"
        file.write_text(json.dumps(plans))
        self.azimuth.command("admin", "set", "plans", str(file))
