"""What the reference page says beside its tables."""

from __future__ import annotations

INTRODUCTION = """
<!-- Generated from the models in chaosd/config: `chaosd schema --write docs`. Do not edit. -->

# Configuration

chaosd reads one YAML file. `chaosd check FILE` says everything that is wrong with it: each mistake
with its key, its line and what to write instead. A running chaosd reads the file again when it
changes. [chaosd.schema.json](chaosd.schema.json) is its JSON schema, for editors: begin a file with

    # yaml-language-server: $schema=docs/chaosd.schema.json

Unknown keys are mistakes, and so is a key that is given twice. A key with nothing behind it (or
`null`) counts as not written. Scalars are read as in YAML 1.2: `no`, `NO`, `09:00` and `2026-12-18`
are texts, only `true` and `false` are booleans. Anchors, aliases and merge keys (`<<`) work. A file
may have up to 1 MiB, which is what a ConfigMap holds.

The smallest configuration that does something, in a dry run:

```yaml
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 1h}
```
"""

TITLES = {"windows.allow[]": "`windows.allow[]`, `windows.deny[]`"}

NOTES = {
    "windows": (
        "A time is open when a rule of `allow` holds it and no rule of `deny` does."
        " `chaosd windows FILE --at TIME` says whether, and why."
    ),
    "windows.allow[].weekly": (
        'With `to` before `from` a window ends on the next day: `{days: Fri, from: "22:00",'
        ' to: "06:00"}` holds Saturday 05:00, not Friday 05:00.'
    ),
    "limits": (
        "A slot with `count` victims counts each of them. What was refused or failed is given"
        " back; what may have happened counts."
    ),
    "helper": (
        "Not written: no helper pods, so no policy may `crash` or `reboot`, and of etcd members"
        " only pods with a disk of their own are killed. `namespace` switches it on; an image"
        " alone, such as the chart's, does not."
    ),
    "etcd[]": (
        "What looks like etcd and is not declared is never a victim. Declaring a cluster opts"
        " nothing in: it brings its guard, which every policy meets ([etcd.md](etcd.md)). A policy"
        " with `target: etcd` names the clusters that may lose a member. In namespaced mode, where"
        " nodes can't be read, none can be declared, and none is touched."
    ),
    "policies[].node": (
        "Nodes are chosen by `select.nodes`, `select.names` and `select.minAge`, among those that"
        " carry the label of `optIn`. Such a policy can't be used in namespaced mode."
    ),
    "policies[].schedule": (
        "`every` and `cron` try once for the whole policy and draw a workload;"
        " `meanTimeBetweenKills` plans for each workload by itself, and annotations on a workload"
        " (`chaosd.io/mean-time-between-kills`, `chaosd.io/min-gap`) may lower its rate."
        " `every: 1d` comes at the same hour of each day, which nobody chose and which may lie"
        " outside of all windows: use `cron` to choose hours."
    ),
}

GRAMMAR = """
## How values are written

**Durations** are whole numbers with the units `w`, `d`, `h`, `m` and `s`, large units first, each
at most once: `90s`, `1h30m`, `2d`, `1w`. A day is 24 hours, whatever the clocks do. `minAge`,
`cooldown` and `jitter` may be `0s`; no other duration may.

**Days** are `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat` and `Sun`, ranges of them, which may wrap, and
lists: `Mon-Fri`, `Sat,Sun`, `Fri-Mon`.

**Times of day** are `HH:MM` from `00:00` to `23:59`, in the zone of `timezone`; `to` may be
`24:00`. `from` is inside a window, `to` is outside. A boundary in an hour that the clock skips is
taken at the first instant after it; one in an hour that comes twice is read so that less time is
open.

**Dates** are `YYYY-MM-DD`, local days, both ends included.

**Label selectors** are those of Kubernetes, as one text: `app=web`, `app!=web`, `tier in (a, b)`,
`tier notin (a, b)`, `canary` (has the label), `!canary` (has it not), `tier > 1`, `tier < 3`;
commas between conditions mean "and". Quote one that begins with `!`.

**Namespaces** in `select` are names, or globs with `*` (any characters) and `?` (one): `team-*`.
Quote one that begins with `*`. `kube-system` is only selected by its full name.

**Regular expressions** are Python's; one that matches any part of the name is enough, so write `^`
and `$` for the whole.
"""

ENVIRONMENT = """
## Environment variables

A variable overrides a key of the file: `CHAOSD_` and the key in capitals, with `_` between words
and `__` before a key inside a map. `CHAOSD_DRY_RUN=true` and `CHAOSD_LIMITS__PER_HOUR=3` are
typical. Texts and durations are taken as they are; numbers, `true` and `false`, lists and maps are
read as YAML (`CHAOSD_NAMESPACES='[shop, web]'`). A map given as a whole replaces the keys it holds,
a list replaces the list. A variable that is set to nothing counts as not set. They are read once,
when chaosd starts.

Any other variable that begins with `CHAOSD_` is a mistake, named with the nearest that exists: a
mistyped `CHAOSD_DRY_RUN` that was silently ignored would leave chaosd live. Excepted are the
variables that Kubernetes adds for Services whose name begins with `chaosd`
(`CHAOSD_SERVICE_HOST`, `CHAOSD_PORT`, `CHAOSD_PORT_9090_TCP_ADDR`, `CHAOSD_METRICS_SERVICE_PORT`
and the like), which are ignored.
"""

RELOADING = """
## Changes while chaosd runs

Mount the ConfigMap as a whole folder; a `subPath` mount never changes. A change reaches the pod
within about two minutes, and is then read by itself. While the file is invalid, missing or
unreadable, nothing new is struck, for somebody may be trying to stop chaosd; what is under way is
observed, and undone where needed, by the last valid configuration. A metric, an Event and the log
say why, and a valid file puts it right without a restart. At start an invalid file is refused.

The newest file counts up to the last moment: right before each kill chaosd looks at it once more.
What was reserved just before is refused then, nothing is sent, and its limits are given back, if
the file is invalid or says `halted: true`, or if the policy is gone, is a dry run, is outside its
windows, asks for another action, no longer says `pdb: bypass`, or no longer names the etcd
cluster. A drain that is under way waits while the file is invalid, unless the reboot or the end of
its machine was just about to be sent. That, and any other of these, ends it: the node is put back,
and what it has evicted is watched until it recovers. A machine that restarts or ends already goes
on with that, and its node is held until then.
"""

EXAMPLES = {
    "first-day.yaml": "a cautious first day: a dry run that shows what would be killed",
    "staging.yaml": "a staging cluster: live, often, around the clock",
    "production.yaml": "a production cluster: office hours, freezes, holidays, low rates",
    "nodes.yaml": "nodes, drained once a week in office hours: a dry run until you say otherwise",
    "etcd.yaml": "etcd members, one at a time, never the quorum: a dry run until you say otherwise",
    "from-kube-monkey.yaml": "instead of a kube-monkey set-up, with the labels that are there",
    "from-chaoskube.yaml": "instead of a chaoskube set-up, option by option",
}
