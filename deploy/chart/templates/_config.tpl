{{/* The text of the configuration file. */}}
{{- define "chaosd.config" -}}
{{- .Values.configFile | default (toYaml .Values.config) -}}
{{- end -}}

{{/*
What the configuration needs to be allowed, as JSON: the same conditions as in
chaosd/kube/rights.py; tests compare both. An unset dryRun of the file is a dry run.
*/}}
{{- define "chaosd.needs" -}}
{{- $config := include "chaosd.config" . | fromYaml -}}
{{- with $config.Error -}}
  {{- fail (printf "the configuration is not valid YAML: %s" .) -}}
{{- end -}}
{{- $live := eq (toString $config.dryRun) "false" -}}
{{- $needs := dict "namespaces" $config.namespaces "kinds" list "respects" false "evicts" false "deletes" false "selectsNodes" false "nodes" false "taints" false "fences" false "helper" "" "live" false "members" false "etcd" (not (empty $config.etcd)) -}}
{{- $optIn := $config.optIn | default dict -}}
{{- $_ := set $needs "optIn" (printf "%s=%s" ($optIn.label | default "chaosd.io/enabled") ($optIn.value | default "true")) -}}
{{- range $config.policies -}}
  {{- $kills := and $live (ne (toString .dryRun) "true") -}}
  {{- $respects := ne (toString .pdb) "bypass" -}}
  {{- $select := .select | default dict -}}
  {{- $nodes := eq (toString .target) "node" -}}
  {{- $etcd := eq (toString .target) "etcd" -}}
  {{- $drains := and $nodes (or $respects (eq (toString .action) "drain")) -}}
  {{- $removes := and $kills (or $drains (has .action (list "evict" "kill"))) -}}
  {{- if $kills -}}{{- $_ := set $needs "live" true -}}{{- end -}}
  {{- if $nodes -}}
    {{- $_ := set $needs "nodes" true -}}
  {{- else if $etcd -}}
    {{- $_ := set $needs "members" true -}}
  {{- else -}}
    {{- $kinds := $select.kinds | default (list "Deployment" "StatefulSet") -}}
    {{- $_ := set $needs "kinds" (concat $needs.kinds $kinds | uniq) -}}
    {{- if $select.nodes -}}{{- $_ := set $needs "selectsNodes" true -}}{{- end -}}
  {{- end -}}
  {{- if and $respects (ne (toString .action) "moveLeader") -}}{{- $_ := set $needs "respects" true -}}{{- end -}}
  {{- if and $removes $respects -}}{{- $_ := set $needs "evicts" true -}}{{- end -}}
  {{- if and $removes (not $respects) -}}{{- $_ := set $needs "deletes" true -}}{{- end -}}
  {{- if $drains -}}{{- $_ := set $needs "taints" true -}}{{- end -}}
  {{- if or $removes $drains -}}{{- $_ := set $needs "fences" true -}}{{- end -}}
  {{- if and $kills (has .action (list "reboot" "crash" "kill")) -}}
    {{- $_ := set $needs "helper" (($config.helper | default dict).namespace | default "") -}}
  {{- end -}}
{{- end -}}
{{- toJson $needs -}}
{{- end -}}

{{/* The ports at which declared etcd clusters and the Prometheus of their backups are asked. */}}
{{- define "chaosd.etcdPorts" -}}
{{- $ports := list -}}
{{- range (include "chaosd.config" . | fromYaml).etcd -}}
  {{- range .endpoints -}}
    {{- $ports = append $ports (regexFind "[0-9]+/?$" . | trimSuffix "/" | int) -}}
  {{- end -}}
  {{- with .pods -}}{{- $ports = append $ports (.port | default 2379 | int) -}}{{- end -}}
  {{- with (.backup | default dict).prometheus -}}
    {{- $usual := hasPrefix "https:" . | ternary 443 80 -}}
    {{- $ports = append $ports (regexFind ":[0-9]+(/|$)" . | trimAll ":/" | default $usual | int) -}}
  {{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
