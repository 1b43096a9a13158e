{{/* Refuses values that contradict each other: pods would not start, or a value would silently have no effect. */}}
{{- define "idra.checks" -}}
{{- if and .Values.api.oidc.issuer (not .Values.api.externalUrl) }}
{{- fail "api.oidc.issuer needs api.externalUrl: the login provider redirects to the address that users see" }}
{{- end }}
{{- if and .Values.api.oidc.issuer (not .Values.api.oidc.clientId) }}
{{- fail "api.oidc.issuer needs api.oidc.clientId" }}
{{- end }}
{{- $external := .Values.etcd.external }}
{{- if $external.endpoints }}
{{- $http := 0 }}
{{- range $external.endpoints }}{{ if hasPrefix "http://" . }}{{ $http = add1 $http }}{{ end }}{{ end }}
{{- if and $http (ne (int $http) (len $external.endpoints)) }}
{{- fail "etcd.external.endpoints mixes http:// and https://: write all of them with https://" }}
{{- end }}
{{- range $role := list "operator" "agent" "api" }}
{{- include "idra.checkEtcdLogin" (list $ $role (gt (int $http) 0)) }}
{{- end }}
{{- else }}
{{- range $field := list "tlsSecret" "user" "passwordSecret" "allowCleartextPassword" }}
{{- if index $external $field }}{{ include "idra.failWithoutEndpoints" $field }}{{ end }}
{{- end }}
{{- range $role := list "operator" "agent" "api" }}
{{- range $field, $value := index $external $role }}
{{- if $value }}{{ include "idra.failWithoutEndpoints" (printf "%s.%s" $role $field) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Call with (list . "role" isWithoutTls). */}}
{{- define "idra.checkEtcdLogin" -}}
{{- $role := index . 1 }}
{{- $isWithoutTls := index . 2 }}
{{- $login := include "idra.etcdLogin" . | fromYaml }}
{{- if and $login.user (not $login.passwordSecret) }}
{{- fail (printf "etcd.external names the user %s for the %s, but no password: set etcd.external.passwordSecret or etcd.external.%s.passwordSecret to the name of a Secret with the key password, or remove the user to log in with the certificate of tlsSecret" $login.user $role $role) }}
{{- end }}
{{- if and $login.passwordSecret (not $login.user) }}
{{- fail (printf "etcd.external has the passwordSecret %s for the %s, but no user: set etcd.external.user or etcd.external.%s.user, or remove the passwordSecret" $login.passwordSecret $role $role) }}
{{- end }}
{{- if and $isWithoutTls $login.tlsSecret }}
{{- fail (printf "etcd.external has the tlsSecret %s for the %s, which http:// endpoints do not use: write etcd.external.endpoints with https://, or remove the tlsSecret" $login.tlsSecret $role) }}
{{- end }}
{{- if and $isWithoutTls $login.passwordSecret (not $login.allowCleartextPassword) }}
{{- fail "the password would be sent to etcd without TLS: write etcd.external.endpoints with https://, or set etcd.external.allowCleartextPassword to true" }}
{{- end }}
{{- end }}

{{- define "idra.failWithoutEndpoints" -}}
{{- fail (printf "etcd.external.%s is set, but etcd.external.endpoints is empty, so the chart would install its own etcd: set etcd.external.endpoints to the addresses of the existing etcd, or remove etcd.external.%s" . .) }}
{{- end }}
