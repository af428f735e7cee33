#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs each query of conf/monitoring at a Prometheus until all have returned data.

usage: prometheus.py URL FOLDER

An alert's condition is false on a healthy machine and then returns nothing, so its comparison is
left out. Prints the number of series that each query returned.
"""
import json
import re
import sys
import time
import urllib.parse
import urllib.request

URL, FOLDER = sys.argv[1:]


def api(path, **parameters):
    url = f"{URL}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)["data"]


def dashboard_queries():
    with open(f"{FOLDER}/finwall-dashboard.json", encoding="utf-8") as f:
        dashboard = json.load(f)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def alert_queries():
    for group in api("rules")["groups"]:
        for rule in group["rules"]:
            assert rule["health"] in ("ok", "unknown"), rule
            yield rule["name"], rule["query"]


def without_comparison(query):
    return re.sub(r" (==|>|<) [\d.]+$", "", query)


def main():
    for attempt in range(300):
        try:
            if api("query", query="finwall_build_info")["result"]:
                break
        except OSError:
            pass
        time.sleep(0.2)
    queries = list(dashboard_queries()) + list(alert_queries())
    assert len(queries) > 30, len(queries)
    wait = dict.fromkeys(queries)
    end = time.monotonic() + 60
    while wait and time.monotonic() < end:
        for title, query in list(wait):
            text = without_comparison(query).replace("$__rate_interval", "1m")
            text = text.replace("$instance", ".*")
            result = api("query", query=text)["result"]
            if result and not any(r["value"][1] == "NaN" for r in result):
                print(f"{len(result):3} {title}: {query}")
                del wait[title, query]
        time.sleep(0.5)
    for title, query in wait:
        print(f"no data: {title}: {query}")
    active = [a["labels"]["alertname"] for a in api("alerts")["alerts"]]
    if active:
        print(f"alerts without a cause: {active}")
    sys.exit(1 if wait or active else 0)


if __name__ == "__main__":
    main()
