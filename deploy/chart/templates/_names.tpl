{{- define "chaosd.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "chaosd.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "chaosd.name" .) -}}
{{- end -}}

{{/* chaosd knows its own pods by their owner; people and dashboards by this name. */}}
{{- define "chaosd.selector" -}}
app.kubernetes.io/name: chaosd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Helm itself adds app.kubernetes.io/managed-by. */}}
{{- define "chaosd.labels" -}}
{{ include "chaosd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "chaosd.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository is empty: build the image from the Dockerfile, push it to your registry, and say --set image.repository=..." $image.repository -}}
{{- $repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}
