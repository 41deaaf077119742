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
{{- $needs := dict "namespaces" $config.namespaces "kinds" list "respects" false "evicts" false "deletes" false "selectsNodes" false "nodes" false "taints" false "fences" false "helper" "" -}}
{{- $optIn := $config.optIn | default dict -}}
{{- $_ := set $needs "optIn" (printf "%s=%s" ($optIn.label | default "chaosd.io/enabled") ($optIn.value | default "true")) -}}
{{- range $config.policies -}}
  {{- $kills := and $live (ne (toString .dryRun) "true") -}}
  {{- $respects := ne (toString .pdb) "bypass" -}}
  {{- $select := .select | default dict -}}
  {{- $nodes := eq (toString .target) "node" -}}
  {{- $drains := and $nodes (or $respects (eq (toString .action) "drain")) -}}
  {{- $removes := and $kills (or $drains (eq (toString .action) "evict")) -}}
  {{- if $nodes -}}
    {{- $_ := set $needs "nodes" true -}}
  {{- else -}}
    {{- $kinds := $select.kinds | default (list "Deployment" "StatefulSet") -}}
    {{- $_ := set $needs "kinds" (concat $needs.kinds $kinds | uniq) -}}
    {{- if $select.nodes -}}{{- $_ := set $needs "selectsNodes" true -}}{{- end -}}
  {{- end -}}
  {{- if $respects -}}{{- $_ := set $needs "respects" true -}}{{- end -}}
  {{- if and $removes $respects -}}{{- $_ := set $needs "evicts" true -}}{{- end -}}
  {{- if and $removes (not $respects) -}}{{- $_ := set $needs "deletes" true -}}{{- end -}}
  {{- if $drains -}}{{- $_ := set $needs "taints" true -}}{{- end -}}
  {{- if or $removes $drains -}}{{- $_ := set $needs "fences" true -}}{{- end -}}
  {{- if and $kills (has .action (list "reboot" "crash")) -}}
    {{- $_ := set $needs "helper" (($config.helper | default dict).namespace | default "") -}}
  {{- end -}}
{{- end -}}
{{- toJson $needs -}}
{{- end -}}
