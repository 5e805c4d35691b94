"""The resources of Kubernetes 1.34 by every name kubectl takes: plural, singular, short name, with or without a group."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource: its plural, group, kind, and whether its objects stand in a namespace."""

    plural: str
    group: str | None
    kind: str | None = None
    namespaced: bool | None = None


# plural, singular, kind, group (- for the core group), namespaced, short names
_TABLE = """
bindings binding Binding - yes
componentstatuses componentstatus ComponentStatus - no cs
configmaps configmap ConfigMap - yes cm
endpoints endpoints Endpoints - yes ep
events event Event - yes ev
limitranges limitrange LimitRange - yes limits
namespaces namespace Namespace - no ns
nodes node Node - no no
persistentvolumeclaims persistentvolumeclaim PersistentVolumeClaim - yes pvc
persistentvolumes persistentvolume PersistentVolume - no pv
pods pod Pod - yes po
podtemplates podtemplate PodTemplate - yes
replicationcontrollers replicationcontroller ReplicationController - yes rc
resourcequotas resourcequota ResourceQuota - yes quota
secrets secret Secret - yes
serviceaccounts serviceaccount ServiceAccount - yes sa
services service Service - yes svc
mutatingwebhookconfigurations mutatingwebhookconfiguration MutatingWebhookConfiguration admissionregistration.k8s.io no
validatingwebhookconfigurations validatingwebhookconfiguration ValidatingWebhookConfiguration admissionregistration.k8s.io no
validatingadmissionpolicies validatingadmissionpolicy ValidatingAdmissionPolicy admissionregistration.k8s.io no
validatingadmissionpolicybindings validatingadmissionpolicybinding ValidatingAdmissionPolicyBinding admissionregistration.k8s.io no
mutatingadmissionpolicies mutatingadmissionpolicy MutatingAdmissionPolicy admissionregistration.k8s.io no
mutatingadmissionpolicybindings mutatingadmissionpolicybinding MutatingAdmissionPolicyBinding admissionregistration.k8s.io no
customresourcedefinitions customresourcedefinition CustomResourceDefinition apiextensions.k8s.io no crd crds
apiservices apiservice APIService apiregistration.k8s.io no
controllerrevisions controllerrevision ControllerRevision apps yes
daemonsets daemonset DaemonSet apps yes ds
deployments deployment Deployment apps yes deploy
replicasets replicaset ReplicaSet apps yes rs
statefulsets statefulset StatefulSet apps yes sts
selfsubjectreviews selfsubjectreview SelfSubjectReview authentication.k8s.io no
tokenreviews tokenreview TokenReview authentication.k8s.io no
localsubjectaccessreviews localsubjectaccessreview LocalSubjectAccessReview authorization.k8s.io yes
selfsubjectaccessreviews selfsubjectaccessreview SelfSubjectAccessReview authorization.k8s.io no
selfsubjectrulesreviews selfsubjectrulesreview SelfSubjectRulesReview authorization.k8s.io no
subjectaccessreviews subjectaccessreview SubjectAccessReview authorization.k8s.io no
horizontalpodautoscalers horizontalpodautoscaler HorizontalPodAutoscaler autoscaling yes hpa
cronjobs cronjob CronJob batch yes cj
jobs job Job batch yes
certificatesigningrequests certificatesigningrequest CertificateSigningRequest certificates.k8s.io no csr
clustertrustbundles clustertrustbundle ClusterTrustBundle certificates.k8s.io no
leases lease Lease coordination.k8s.io yes
leasecandidates leasecandidate LeaseCandidate coordination.k8s.io yes
endpointslices endpointslice EndpointSlice discovery.k8s.io yes
flowschemas flowschema FlowSchema flowcontrol.apiserver.k8s.io no
prioritylevelconfigurations prioritylevelconfiguration PriorityLevelConfiguration flowcontrol.apiserver.k8s.io no
ingressclasses ingressclass IngressClass networking.k8s.io no
ingresses ingress Ingress networking.k8s.io yes ing
ipaddresses ipaddress IPAddress networking.k8s.io no ip
networkpolicies networkpolicy NetworkPolicy networking.k8s.io yes netpol
servicecidrs servicecidr ServiceCIDR networking.k8s.io no
runtimeclasses runtimeclass RuntimeClass node.k8s.io no
poddisruptionbudgets poddisruptionbudget PodDisruptionBudget policy yes pdb
podsecuritypolicies podsecuritypolicy PodSecurityPolicy policy no psp
clusterrolebindings clusterrolebinding ClusterRoleBinding rbac.authorization.k8s.io no
clusterroles clusterrole ClusterRole rbac.authorization.k8s.io no
rolebindings rolebinding RoleBinding rbac.authorization.k8s.io yes
roles role Role rbac.authorization.k8s.io yes
deviceclasses deviceclass DeviceClass resource.k8s.io no
resourceclaims resourceclaim ResourceClaim resource.k8s.io yes
resourceclaimtemplates resourceclaimtemplate ResourceClaimTemplate resource.k8s.io yes
resourceslices resourceslice ResourceSlice resource.k8s.io no
priorityclasses priorityclass PriorityClass scheduling.k8s.io no pc
csidrivers csidriver CSIDriver storage.k8s.io no
csinodes csinode CSINode storage.k8s.io no
csistoragecapacities csistoragecapacity CSIStorageCapacity storage.k8s.io yes
storageclasses storageclass StorageClass storage.k8s.io no sc
volumeattachments volumeattachment VolumeAttachment storage.k8s.io no
volumeattributesclasses volumeattributesclass VolumeAttributesClass storage.k8s.io no vac
"""

ALL = (
    *("pods", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "statefulsets"),
    *("horizontalpodautoscalers", "cronjobs", "jobs"),
)
"""What the category `all` stands for."""


def _read() -> tuple[dict[str, Resource], dict[str, Resource]]:
    by_name: dict[str, Resource] = {}
    by_kind: dict[str, Resource] = {}
    for line in _TABLE.strip().splitlines():
        plural, singular, kind, group, namespaced, *short = line.split()
        resource = Resource(plural, "" if group == "-" else group, kind, namespaced == "yes")
        for name in (plural, singular, *short):
            by_name.setdefault(name, resource)
        by_kind[kind.lower()] = resource
    return by_name, by_kind


BY_NAME, BY_KIND = _read()


def resource_named(name: str) -> Resource:
    """The resource that kubectl means by a name; one nobody knows keeps its name, and its group where it is written."""
    lowered = name.lower()
    known = BY_NAME.get(lowered)
    if known is not None:
        return known
    head, _, group = lowered.partition(".")
    if group:
        # TYPE.GROUP or TYPE.VERSION.GROUP
        first, _, rest = group.partition(".")
        if rest and first[:1] == "v" and first[1:2].isdigit():
            group = rest
        inside = BY_NAME.get(head)
        if inside is not None and inside.group == group:
            return inside
        if inside is not None and group.startswith("v") and group[1:2].isdigit():
            return inside
        return Resource(head, group)
    return Resource(lowered, None)


def resource_of_kind(kind: str, api_version: str | None) -> Resource:
    """The resource of an object by its kind and apiVersion; of a kind nobody knows, the plural is a guess: none."""
    group = "" if api_version is None or "/" not in api_version else api_version.split("/", 1)[0]
    known = BY_KIND.get(kind.lower())
    if known is not None and (known.group == group or api_version is None or group in ("extensions", "")):
        return known
    return Resource(kind.lower(), group)
