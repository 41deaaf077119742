{{/* In chaosd's own namespace, whatever is configured. */}}
{{- define "chaosd.rules.own" -}}
# The ledger: what was done, limits, halts; also `chaosd halt` and `resume` inside the pod.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [chaosd-ledger]
  verbs: [get, patch]
# Making the ledger at the first start. (A rule for `create` can't name an object.)
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
# Leading: one of the replicas does.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [chaosd]
  verbs: [get, patch]
# Making the lease at first.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- if not (kindIs "invalid" .namespaces) }}
# Knowing chaosd's own pods, to spare them.
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
# Saying in an Event what is wrong with the configuration.
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
{{- end -}}

{{/* Kinds that are in no namespace; not in namespaced mode. */}}
{{- define "chaosd.rules.cluster" -}}
# Opt-in and veto by namespace; the UID of kube-system, which is the seed.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get, list]
# Sparing pods on nodes that are not Ready.
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
{{- if .selectsNodes }}
# select.nodes: choosing victims by labels of their nodes.
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
{{- end }}
{{- if .nodes }}
# Finding nodes to strike (target: node).
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
# Sparing pods whose volumes live on their node (target: node).
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [list]
{{- end }}
{{- if .etcd }}
# Telling which nodes etcd members run on (etcd).
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
{{- end }}
{{- if .taints }}
# The taint of a drain, and its end (also in dry runs, which end what was begun before):
# NoSchedule, with the key chaosd.io/drain.
- apiGroups: [""]
  resources: [nodes]
  verbs: [patch]
{{- end }}
{{- end -}}

{{/* Where victims are looked for: the cluster, or each namespace of namespaced mode. */}}
{{- define "chaosd.rules.read" -}}
# Finding victims and seeing them recover.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
{{- if not (kindIs "invalid" .namespaces) }}
# Veto by namespace: the labels of this one.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- end }}
{{- if .respects }}
# Asking disruption budgets (pdb: respect).
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list]
{{- end }}
{{- range $kind, $resource := dict "Deployment" "deployments" "ReplicaSet" "replicasets" "StatefulSet" "statefulsets" "DaemonSet" "daemonsets" }}
{{- if has $kind $.kinds }}
# Kind {{ $kind }} in select.kinds: which of them opted in and are whole.
- apiGroups: [apps]
  resources: [{{ $resource }}]
  verbs: [get, list]
{{- end }}
{{- end }}
{{- if .members }}
# Veto by what owns an etcd member's pod, and whether it is whole (target: etcd).
- apiGroups: [apps]
  resources: [deployments, replicasets, statefulsets, daemonsets]
  verbs: [get]
{{- end }}
{{- if has "Deployment" .kinds }}
# Telling which pods are a Deployment's.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
{{- end }}
{{- range $kind, $resource := dict "Job" "jobs" "CronJob" "cronjobs" }}
{{- if has $kind $.kinds }}
# Kind {{ $kind }} in select.kinds: which of them opted in and are whole.
- apiGroups: [batch]
  resources: [{{ $resource }}]
  verbs: [get, list]
{{- end }}
{{- end }}
{{- if or (has "CronJob" .kinds) (has "Job" .kinds) }}
# Telling which pods are a CronJob's.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list]
{{- end }}
{{- if .nodes }}
# Vetoes of what runs on nodes, and its recovery (target: node).
- apiGroups: [apps]
  resources: [deployments, replicasets, statefulsets]
  verbs: [get, list]
# Vetoes of what runs on nodes, and its recovery (target: node): DaemonSets lose no pods.
- apiGroups: [apps]
  resources: [daemonsets]
  verbs: [list]
# Vetoes of what runs on nodes, and its recovery (target: node).
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [get, list]
{{- end }}
{{- if .evicts }}
# Killing within disruption budgets (pdb: respect): the Eviction API.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
{{- end }}
{{- if .deletes }}
# Killing whatever disruption budgets say (pdb: bypass).
- apiGroups: [""]
  resources: [pods]
  verbs: [delete]
{{- end }}
{{- if .fences }}
# Making late kills impossible after a lost answer (with nodes also in dry runs, which end what was
# begun before): a condition fences the victim.
- apiGroups: [""]
  resources: [pods/status]
  verbs: [patch]
{{- end }}
# Showing in kubectl describe who killed a pod.
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* In the namespace `default`, where API servers are registered; not in namespaced mode. */}}
{{- define "chaosd.rules.default" -}}
# Seeing another API server before an etcd member beside one is struck (etcd).
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
{{- end -}}

{{/* In the namespace of helper pods. */}}
{{- define "chaosd.rules.helper" -}}
# Helper pods (action reboot, crash or kill): making one, seeing how it ended, removing it.
- apiGroups: [""]
  resources: [pods]
  {{- $everywhere := kindIs "invalid" .namespaces }}
  verbs: [create{{ if not $everywhere }}, get{{ end }}{{ if not (and $everywhere .deletes) }}, delete{{ end }}]
{{- end -}}
