{{- define "idra.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Call with (list . "role"). */}}
{{- define "idra.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: idra
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "idra.labels" -}}
{{- $top := index . 0 -}}
{{ include "idra.selector" . }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version }}
{{- end }}

{{- define "idra.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "idra.etcdEndpoints" -}}
{{- if .Values.etcd.external.endpoints }}{{ join "," .Values.etcd.external.endpoints }}{{ else }}https://{{ include "idra.name" . }}-etcd:2379{{ end }}
{{- end }}

{{/* Call with (list . "role"): how this role logs in to etcd. In the etcd of the chart each role has its own certificate. */}}
{{- define "idra.etcdLogin" -}}
{{- $top := index . 0 }}
{{- $role := index . 1 }}
{{- $external := $top.Values.etcd.external }}
{{- if $external.endpoints }}
{{- $own := index $external $role }}
tlsSecret: {{ $own.tlsSecret | default $external.tlsSecret | quote }}
user: {{ $own.user | default $external.user | quote }}
passwordSecret: {{ $own.passwordSecret | default $external.passwordSecret | quote }}
allowCleartextPassword: {{ $external.allowCleartextPassword }}
{{- else }}
tlsSecret: {{ include "idra.name" $top }}-etcd-{{ $role }}
user: ""
passwordSecret: ""
allowCleartextPassword: false
{{- end }}
{{- end }}

{{/* Call with (list . "role"): etcd, namespaces, logs. */}}
{{- define "idra.env" -}}
{{- $top := index . 0 }}
{{- $login := include "idra.etcdLogin" . | fromYaml -}}
- name: IDRA_ETCD_ENDPOINTS
  value: {{ include "idra.etcdEndpoints" $top | quote }}
- name: IDRA_WATCH_NAMESPACES
  value: {{ join "," $top.Values.watchNamespaces | quote }}
- name: IDRA_LOG_FORMAT
  value: {{ $top.Values.logFormat }}
- name: IDRA_LOG_LEVEL
  value: {{ $top.Values.logLevel }}
- name: IDRA_HEALTH_PORT
  value: "8080"
# The kubelet and Prometheus connect from outside of the pod.
- name: IDRA_HEALTH_ADDRESS
  value: "*"
{{- if $login.tlsSecret }}
{{ include "idra.etcdTlsEnv" $top }}
{{- end }}
{{- if $login.user }}
- name: IDRA_ETCD_USER
  value: {{ $login.user | quote }}
- name: IDRA_ETCD_PASSWORD_FILE
  value: /etc/idra/etcd-password/password
{{- if $login.allowCleartextPassword }}
- name: IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD
  value: "true"
{{- end }}
{{- end }}
{{- end }}

{{- define "idra.etcdTlsEnv" -}}
- name: IDRA_ETCD_CA
  value: /etc/idra/etcd/ca.crt
- name: IDRA_ETCD_CERT
  value: /etc/idra/etcd/tls.crt
- name: IDRA_ETCD_KEY
  value: /etc/idra/etcd/tls.key
{{- end }}

{{- define "idra.volumeMounts" -}}
{{- $login := include "idra.etcdLogin" . | fromYaml -}}
- { name: tmp, mountPath: /tmp }
{{- if $login.tlsSecret }}
- { name: etcd-tls, mountPath: /etc/idra/etcd, readOnly: true }
{{- end }}
{{- if $login.passwordSecret }}
- { name: etcd-password, mountPath: /etc/idra/etcd-password, readOnly: true }
{{- end }}
{{- end }}

{{- define "idra.volumes" -}}
{{- $login := include "idra.etcdLogin" . | fromYaml -}}
- name: tmp
  emptyDir: {}
{{- if $login.tlsSecret }}
- name: etcd-tls
  secret: { secretName: {{ $login.tlsSecret }}, defaultMode: 0440 }
{{- end }}
{{- if $login.passwordSecret }}
- name: etcd-password
  secret: { secretName: {{ $login.passwordSecret }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{/* Call with the values of a role: scheduling constraints of its pods. */}}
{{- define "idra.scheduling" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $ $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "idra.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "idra.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "idra.probes" -}}
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 5
{{- end }}

{{- /* Secret with the first password of the user admin. */ -}}
{{- define "idra.firstPassword" -}}
{{ .Values.api.firstPasswordSecret | default (printf "%s-api-first-password" (include "idra.name" .)) }}
{{- end }}
