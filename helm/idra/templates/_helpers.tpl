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
{{- if .Values.etcd.external.endpoints }}{{ join "," .Values.etcd.external.endpoints }}{{ else }}http://{{ include "idra.name" . }}-etcd:2379{{ end }}
{{- end }}

{{/* What operator and agents share: etcd, namespaces, logs. */}}
{{- define "idra.env" -}}
- name: IDRA_ETCD_ENDPOINTS
  value: {{ include "idra.etcdEndpoints" . | quote }}
- name: IDRA_WATCH_NAMESPACES
  value: {{ join "," .Values.watchNamespaces | quote }}
- name: IDRA_LOG_FORMAT
  value: {{ .Values.logFormat }}
- name: IDRA_LOG_LEVEL
  value: {{ .Values.logLevel }}
- name: IDRA_HEALTH_PORT
  value: "8080"
# The kubelet and Prometheus ask from outside of the pod.
- name: IDRA_HEALTH_ADDRESS
  value: "*"
{{- with .Values.etcd.external }}
{{- if .tlsSecret }}
- name: IDRA_ETCD_CA
  value: /etc/idra/etcd/ca.crt
- name: IDRA_ETCD_CERT
  value: /etc/idra/etcd/tls.crt
- name: IDRA_ETCD_KEY
  value: /etc/idra/etcd/tls.key
{{- end }}
{{- if .user }}
- name: IDRA_ETCD_USER
  value: {{ .user | quote }}
- name: IDRA_ETCD_PASSWORD_FILE
  value: /etc/idra/etcd-password/password
{{- if .allowCleartextPassword }}
- name: IDRA_ETCD_ALLOW_CLEARTEXT_PASSWORD
  value: "true"
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "idra.volumeMounts" -}}
- { name: tmp, mountPath: /tmp }
{{- with .Values.etcd.external }}
{{- if .tlsSecret }}
- { name: etcd-tls, mountPath: /etc/idra/etcd, readOnly: true }
{{- end }}
{{- if .passwordSecret }}
- { name: etcd-password, mountPath: /etc/idra/etcd-password, readOnly: true }
{{- end }}
{{- end }}
{{- end }}

{{- define "idra.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .Values.etcd.external }}
{{- if .tlsSecret }}
- name: etcd-tls
  secret: { secretName: {{ .tlsSecret }} }
{{- end }}
{{- if .passwordSecret }}
- name: etcd-password
  secret: { secretName: {{ .passwordSecret }} }
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
