"""A small simulated Kubernetes cluster with a real HTTP API.

It imports nothing else of chaosd. Three layers, each usable without the next:

**The cluster and its controllers**, on a clock from outside::

    clock = ManualClock()                              # or AcceleratedClock(speed=60)
    cluster = Cluster(clock.now, seed=1)               # same seed, clock, calls: same cluster
    scenarios.node(cluster, "node-1", zone="zone-a")
    scenarios.deployment(cluster, "shop", "web", 4, opt_in=True)
    scenarios.pdb(cluster, "shop", "web", min_available=3)
    scenarios.settle(cluster)                          # everything Ready at once
    controllers = Controllers(cluster, Timings())      # from here on with believable delays
    wake = controllers.step()                          # -> datetime | None: call it again then,
                                                       #    and after writes by anybody else
    cluster.get("pods", "shop", "web-...")             # dicts; ids: "pods", "deployments.apps",
    cluster.all("deployments.apps", "shop")            #   "poddisruptionbudgets.policy",
    with cluster.edit("nodes", "", "node-1") as node:  #   "leases.coordination.k8s.io", ...
        node["spec"]["unschedulable"] = True
    with cluster.backdated(timedelta(hours=1)): ...    # build things that have an age

`scenarios` has a function for each kind (namespace, node, deployment, replica_set, stateful_set,
daemon_set, job, cron_job, pdb, pod, custom_kind, custom), `set_node_ready`, `set_pod_ready`, and
`pass_time(controllers, clock, seconds)` for virtual time. What a workload's pods may be is
`templates.TemplateOptions` and `WorkloadOptions` (pod_labels, pod_opt_in, image, start_seconds,
never_ready, ...). `demo.demo(cluster)` builds the demo's cluster, `bulk.bulk(cluster, ...)` a large
one. Annotations on a pod that change its delays are in `controllers.timings`. `cluster.compact()`
forgets all history, so that continue tokens and old watches expire.

**The API without sockets**::

    api = Api(cluster, Faults(), access=Access(), journal=Journal(), sleep=clock.sleep)
    request = Request("GET", "/api/v1/pods", [("limit", "500")], headers={}, body=b"")
    request = Request.of("POST", "/api/v1/namespaces/shop/pods/web-x/eviction?timeout=5s",
                         {"metadata": {"name": "web-x"}})       # from a URL and a JSON value
    response = api.handle(request)                     # .status .headers .body .json()

`handle` raises `ConnectionLost` (with `.before_effect`) where a fault takes the answer away.
Faults are put in force by `api.faults.add(Rule(do="lost", when="after", verbs=("create",),
path="/eviction$", count=1))`; see `faults.Rule`. `api.access.deny(Denial("create", "",
"pods/eviction"))` denies, in SelfSubjectAccessReviews too. `api.journal.requests` and
`api.journal.removals` are the cluster's side of the story. (Watches are served over HTTP only.)

**Over HTTP** (loopback, a free port, a thread that ticks the controllers)::

    with SandboxServer(cluster, speed=60) as server:
        server.url                                     # http://127.0.0.1:NNNNN
        server.kubeconfig(path)                        # for kubectl and the official client

and there GET, POST, DELETE of `/sandbox/faults`, `/sandbox/denials`, `/sandbox/requests`,
`/sandbox/removals`.

Pods can stand for real processes: `processes.Processes(plan)` keeps those for which `plan(pod)`
has a `Program`, and is given to SandboxServer or Controllers as `processes`.
`members.etcd(cluster)` and `members.Members(binary, folder)` are a StatefulSet of real etcd
members.
"""

from __future__ import annotations

from chaosd.sandbox import scenarios
from chaosd.sandbox.access import Access, Denial
from chaosd.sandbox.clock import AcceleratedClock, ManualClock
from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers import Controllers, Timings
from chaosd.sandbox.faults import ConnectionLost, Faults, Rule
from chaosd.sandbox.journal import Journal, Removal, RequestRecord
from chaosd.sandbox.requests import Request, Response
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.rest import Api
from chaosd.sandbox.server import SandboxServer

__all__ = [
    "AcceleratedClock",
    "Access",
    "Api",
    "Cluster",
    "ConnectionLost",
    "Controllers",
    "Denial",
    "Faults",
    "Journal",
    "ManualClock",
    "Removal",
    "Request",
    "RequestRecord",
    "Resource",
    "Response",
    "Rule",
    "SandboxServer",
    "Timings",
    "scenarios",
]
