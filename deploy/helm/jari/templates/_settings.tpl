{{- /* The environment of every container. */ -}}
{{- define "jari.environment" -}}
- name: JARI_DATABASE
  valueFrom:
    secretKeyRef:
      name: {{ required "database.secret: name the Secret that has the database's address" .Values.database.secret }}
      key: {{ .Values.database.key }}
{{- if .Values.redis.secret }}
- name: JARI_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.secret }}
      key: {{ .Values.redis.key }}
{{- end }}
{{- if .Values.gateway.secret }}
- name: JARI_GATEWAY_SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.gateway.secret }}
      key: {{ .Values.gateway.secretKey }}
- name: JARI_GATEWAY_CLIENT_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.gateway.secret }}
      key: {{ .Values.gateway.clientKey }}
{{- end }}
- name: JARI_PUBLIC_URL
  value: {{ .Values.publicUrl | quote }}
- name: JARI_TRUSTED_PROXIES
  value: {{ required "trustedProxies: name the ingress's addresses, or nothing drains" .Values.trustedProxies | quote }}
- name: JARI_WORKERS
  value: {{ .Values.workers | quote }}
- name: JARI_DRAIN_SECONDS
  value: {{ .Values.drainSeconds | quote }}
- name: JARI_SHUTDOWN_SECONDS
  value: {{ .Values.shutdownSeconds | quote }}
- name: JARI_SHUTDOWN_MARGIN_SECONDS
  value: {{ .Values.shutdownMarginSeconds | quote }}
{{- range $name, $value := .Values.settings }}
- name: JARI_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- /* What a container may do: little. */ -}}
{{- define "jari.container_security" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- define "jari.pod_security" -}}
runAsNonRoot: true
runAsUser: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}
